package org.airelab.kernels.cuda;

/** A compiler of CUDA C++. */
interface CudaCompiler {
    /** Name and version, such as {@code nvcc 13.0.88}: another version makes other machine code. */
    String version();

    /**
     * Compiles.
     *
     * @param name         of the source and its macros, for messages
     * @param text         the whole source
     * @param architecture such as {@code sm_90a}
     * @return the machine code, a cubin
     * @throws CompilationException with the compiler's messages
     */
    byte[] compile(String name, String text, String architecture) throws CompilationException;
}
