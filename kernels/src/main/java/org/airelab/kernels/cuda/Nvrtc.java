package org.airelab.kernels.cuda;

import java.util.Arrays;
import java.util.Optional;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import jcuda.nvrtc.nvrtcResult;

/** NVIDIA's runtime compiler, a library: it needs neither toolkit nor a C++ compiler for the host. */
final class Nvrtc implements CudaCompiler {
    /** The library of CUDA 12, for which JCuda's binding was built. */
    private static final String LIBRARY = "libnvrtc.so.12";

    private final int release;

    private Nvrtc() {
        int[] major = new int[1];
        int[] minor = new int[1];
        check(JNvrtc.nvrtcVersion(major, minor), "nvrtcVersion");
        release = 100 * major[0] + minor[0];
    }

    /**
     * NVRTC, if it can be loaded and compiles for an architecture.
     *
     * @param architecture {@code 10 * major + minor}
     */
    static Optional<Nvrtc> find(int architecture) {
        // Opened first, JCuda's library finds it by its name wherever it lies.
        if (NativeLibraries.open(LIBRARY).isEmpty()) {
            return Optional.empty();
        }
        try {
            NativeLibraries.loadJCuda("JNvrtc", () -> JNvrtc.setExceptionsEnabled(false));
        } catch (MissingCudaException e) {
            return Optional.empty();
        }
        int[] count = new int[1];
        check(JNvrtc.nvrtcGetNumSupportedArchs(count), "nvrtcGetNumSupportedArchs");
        int[] architectures = new int[count[0]];
        check(JNvrtc.nvrtcGetSupportedArchs(architectures), "nvrtcGetSupportedArchs");
        return Arrays.stream(architectures).anyMatch(a -> a == architecture) ? Optional.of(new Nvrtc())
                : Optional.empty();
    }

    @Override
    public String version() {
        return "NVRTC " + release / 100 + "." + release % 100;
    }

    @Override
    public int release() {
        return release;
    }

    @Override
    public Compiled compile(String name, String text, String architecture) {
        nvrtcProgram program = new nvrtcProgram();
        check(JNvrtc.nvrtcCreateProgram(program, text, "kernel.cu", 0, null, null), "nvrtcCreateProgram");
        try {
            String[] options = {"--std=c++17", "--gpu-architecture=" + architecture, "--ptxas-options=-v"};
            int result = JNvrtc.nvrtcCompileProgram(program, options.length, options);
            String[] log = {""};
            JNvrtc.nvrtcGetProgramLog(program, log);
            if (result != nvrtcResult.NVRTC_SUCCESS) {
                throw new CompilationException(name, architecture, version(),
                        nvrtcResult.stringFor(result) + "\n" + log[0]);
            }
            long[] size = new long[1];
            check(JNvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
            byte[] cubin = new byte[Math.toIntExact(size[0])];
            check(JNvrtc.nvrtcGetCUBIN(program, cubin), "nvrtcGetCUBIN");
            return new Compiled(cubin, log[0]);
        } finally {
            JNvrtc.nvrtcDestroyProgram(program);
        }
    }

    private static void check(int result, String function) {
        if (result != nvrtcResult.NVRTC_SUCCESS) {
            throw new IllegalStateException(nvrtcResult.stringFor(result) + " in " + function);
        }
    }
}
