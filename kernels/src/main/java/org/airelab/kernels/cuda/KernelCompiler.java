package org.airelab.kernels.cuda;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Compiles kernels for an architecture on first use, and keeps the result in the user's cache, by source, macros,
 * architecture and compiler version.
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

    /** A kind of compiler that a machine may have. */
    public enum Kind {
        /** The library {@code libnvrtc.so.12}: the quicker, and it needs nothing beside it. */
        NVRTC,
        /** The toolkit's program {@code nvcc}, of any release, with {@code g++}, which it needs. */
        NVCC
    }

    /**
     * The machine's compiler: of those there are for the architecture the one of the newer CUDA, as its ptxas knows
     * the architecture better; NVRTC where both are of the same.
     *
     * @param architecture the device's compute capability as {@code 10 * major + minor}
     * @throws MissingCudaException when there is none
     */
    public static KernelCompiler forArchitecture(int architecture) {
        return of(architecture, Kind.values());
    }

    /**
     * The same, of some kinds.
     *
     * @throws MissingCudaException when the machine has none of them for the architecture
     */
    public static KernelCompiler of(int architecture, Kind... kinds) {
        String target = target(architecture);
        CudaCompiler compiler = newest(architecture, kinds)
                .orElseThrow(() -> new MissingCudaException("there is no compiler for CUDA kernels of " + target
                        + ": no " + String.join(", and no ", Stream.of(kinds).map(KernelCompiler::lacking).toList()),
                        "Install CUDA's NVRTC library or its nvcc, and set CUDA_HOME where it lies in an unusual"
                                + " folder."));
        return new KernelCompiler(compiler, CubinCache.ofUser(), target);
    }

    /** Whether the machine has one of some kinds of compilers for an architecture. */
    public static boolean available(int architecture, Kind... kinds) {
        return newest(architecture, kinds).isPresent();
    }

    private static Optional<CudaCompiler> newest(int architecture, Kind... kinds) {
        return newest(Stream.of(kinds).map(kind -> find(kind, architecture)));
    }

    private static Optional<? extends CudaCompiler> find(Kind kind, int architecture) {
        return switch (kind) {
            case NVRTC -> Nvrtc.find(architecture);
            case NVCC -> Nvcc.find();
        };
    }

    private static String lacking(Kind kind) {
        return switch (kind) {
            case NVRTC -> "libnvrtc.so.12 that knows it";
            case NVCC -> "nvcc with a g++ on the PATH";
        };
    }

    /** The first of the highest release. */
    static Optional<CudaCompiler> newest(Stream<Optional<? extends CudaCompiler>> compilers) {
        return compilers.<CudaCompiler>flatMap(Optional::stream).max(Comparator.comparingInt(CudaCompiler::release));
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
        return cache.get(key(unit), () -> compiler.compile(source.toString(), unit, target).cubin());
    }

    /**
     * What each kernel of a source takes of a multiprocessor. The source is compiled anew, as the cache does not hold
     * what the compiler says, and its machine code is in the cache afterwards.
     *
     * @throws CompilationException with the compiler's messages
     */
    public List<KernelResources> resources(KernelSource source) {
        String unit = unit(source);
        CudaCompiler.Compiled compiled = compiler.compile(source.toString(), unit, target);
        cache.put(key(unit), compiled.cubin());
        return KernelResources.parse(compiled.log());
    }

    private String key(String unit) {
        return CubinCache.key(unit, target, compiler.version());
    }

    /** What is compiled: macros first, as text, since not every compiler takes every value as an option. */
    static String unit(KernelSource source) {
        StringBuilder unit = new StringBuilder();
        source.defines().forEach((name, value) -> unit.append("#define ").append(name).append(' ').append(value)
                .append('\n'));
        return unit.append(source.text()).toString();
    }
}
