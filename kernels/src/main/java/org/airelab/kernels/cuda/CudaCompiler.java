package org.airelab.kernels.cuda;

/** A compiler of CUDA C++. */
interface CudaCompiler {
    /**
     * What a compiler makes.
     *
     * @param cubin machine code
     * @param log   what the assembler, ptxas, says of each kernel's registers and memory
     */
    record Compiled(byte[] cubin, String log) {
    }

    /** Name and version, such as {@code nvcc 13.0.88}: another version makes other machine code. */
    String version();

    /** The release of CUDA it belongs to, {@code 100 * major + minor}; 0 where it does not tell. */
    int release();

    /**
     * Compiles.
     *
     * @param name         of the source and its macros, for messages
     * @param text         the whole source
     * @param architecture such as {@code sm_90a}
     * @throws CompilationException with the compiler's messages
     */
    Compiled compile(String name, String text, String architecture) throws CompilationException;
}
