package org.airelab.kernels.cuda;

/**
 * Compiles kernels for an architecture on first use, and keeps the result in the user's cache, by source, macros,
 * architecture and compiler version. The compiler is NVRTC where {@code libnvrtc.so.12} is installed and knows the
 * architecture, else {@code nvcc}.
 */
public final class KernelCompiler {
    private final CudaCompiler compiler;
    private final CubinCache cache;
    private final String target;

    KernelCompiler(CudaCompiler compiler, CubinCache cache, String target) {
        this.compiler = compiler;
        this.cache = cache;
        this.target = target;
    }

    /**
     * The machine's compiler.
     *
     * @param architecture the device's compute capability as {@code 10 * major + minor}
     * @throws MissingCudaException when there is neither NVRTC nor nvcc
     */
    public static KernelCompiler forArchitecture(int architecture) {
        CudaCompiler compiler = Nvrtc.find(architecture).<CudaCompiler>map(found -> found).or(Nvcc::find)
                .orElseThrow(() -> new MissingCudaException("there is no compiler for CUDA kernels: neither "
                        + "libnvrtc.so.12 nor nvcc can be found",
                        "Install CUDA's NVRTC library or its nvcc, and CUDA_HOME where it lies in an unusual folder."));
        return new KernelCompiler(compiler, CubinCache.ofUser(), target(architecture));
    }

    /** The compiler's name of an architecture, with the features that Hopper and Blackwell alone have. */
    static String target(int architecture) {
        return "sm_" + architecture + (architecture == 90 || architecture == 100 ? "a" : "");
    }

    /** Name and version of the compiler, such as {@code NVRTC 12.6}. */
    public String version() {
        return compiler.version();
    }

    /**
     * The machine code of a source: a cubin.
     *
     * @throws CompilationException with the compiler's messages
     */
    public byte[] compile(KernelSource source) {
        String unit = unit(source);
        String key = CubinCache.key(unit, target, compiler.version());
        return cache.get(key, () -> compiler.compile(source.toString(), unit, target));
    }

    /** What is compiled: macros first, as text, since not every compiler takes every value as an option. */
    static String unit(KernelSource source) {
        StringBuilder unit = new StringBuilder();
        source.defines().forEach((name, value) -> unit.append("#define ").append(name).append(' ').append(value)
                .append('\n'));
        return unit.append(source.text()).toString();
    }
}
