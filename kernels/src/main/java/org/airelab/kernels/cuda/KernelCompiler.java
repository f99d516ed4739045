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
        NVRTC("libnvrtc.so.12 that knows it", "Install CUDA 12's NVRTC library"),
        /** The toolkit's program {@code nvcc}, of any release, with {@code g++}, which it needs. */
        NVCC("nvcc with a g++ on the PATH", "Install CUDA's nvcc and g++");

        private final String found;
        private final String advice;

        Kind(String found, String advice) {
            this.found = found;
            this.advice = advice;
        }
    }

    /**
     * The compiler for a device: of those there are the one of the newest CUDA, as its ptxas knows the architecture
     * best, but of none that the driver is too old for: it loads machine code of its own major version and of those
     * before. NVRTC where both are of the same.
     *
     * @throws MissingCudaException when there is none
     */
    public static KernelCompiler forDevice(CudaDevice device) {
        List<CudaCompiler> found = found(device.architecture(), Kind.values());
        if (found.isEmpty()) {
            throw missing(device.architecture(), Kind.values());
        }
        int driver = CudaDevice.driverRelease();
        CudaCompiler compiler = newest(found, driver).orElseThrow(() -> new MissingCudaException("kernels can be"
                + " compiled by " + found.getFirst().version() + " alone, and the driver serves CUDA "
                + CudaDevice.driverVersion(), "Install the NVRTC library of CUDA 12, or a newer driver."));
        return new KernelCompiler(compiler, CubinCache.ofUser(), target(device.architecture()));
    }

    /**
     * The newest of some kinds, whatever driver its machine code may meet.
     *
     * @param architecture a compute capability as {@code 10 * major + minor}
     * @throws MissingCudaException when the machine has none of them for the architecture
     */
    public static KernelCompiler of(int architecture, Kind... kinds) {
        return new KernelCompiler(newest(found(architecture, kinds), Integer.MAX_VALUE).orElseThrow(
                () -> missing(architecture, kinds)), CubinCache.ofUser(), target(architecture));
    }

    /** In the order of the kinds. */
    private static List<CudaCompiler> found(int architecture, Kind... kinds) {
        return Stream.of(kinds).<Optional<? extends CudaCompiler>>map(kind -> switch (kind) {
            case NVRTC -> Nvrtc.find(architecture);
            case NVCC -> Nvcc.find();
        }).<CudaCompiler>flatMap(Optional::stream).toList();
    }

    private static MissingCudaException missing(int architecture, Kind... kinds) {
        return new MissingCudaException("there is no compiler for CUDA kernels of " + target(architecture) + ": no "
                + String.join(", and no ", Stream.of(kinds).map(kind -> kind.found).toList()),
                String.join(", or ", Stream.of(kinds).map(kind -> kind.advice).toList())
                        + ", and set CUDA_HOME where it lies in an unusual folder.");
    }

    /**
     * The first of the newest that a driver can do with.
     *
     * @param driver the newest CUDA it serves, {@code 100 * major + minor}
     */
    static Optional<CudaCompiler> newest(List<CudaCompiler> compilers, int driver) {
        return compilers.stream().filter(compiler -> compiler.release() / 100 <= driver / 100)
                .max(Comparator.comparingInt(CudaCompiler::release));
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
