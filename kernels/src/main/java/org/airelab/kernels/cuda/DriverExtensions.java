package org.airelab.kernels.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import jcuda.driver.CUresult;

/** The functions of the driver that JCuda does not have, by the foreign function API. */
final class DriverExtensions {
    /** sizeof(CUlaunchConfig) and the offsets of its members (cuda.h). */
    static final int CONFIG_BYTES = 56;
    private static final int CONFIG_GRID = 0;
    private static final int CONFIG_BLOCK = 12;
    private static final int CONFIG_SHARED = 24;
    private static final int CONFIG_STREAM = 32;
    private static final int CONFIG_ATTRIBUTES = 40;
    private static final int CONFIG_ATTRIBUTE_COUNT = 48;
    /** sizeof(CUlaunchAttribute), and the offset of its value. */
    static final int ATTRIBUTE_BYTES = 72;
    private static final int ATTRIBUTE_VALUE = 8;
    private static final int CLUSTER_DIMENSION = 4;

    private final SymbolLookup library;
    private final Optional<MethodHandle> launchKernelEx;
    private final Optional<MethodHandle> encodeTiled;
    private final Optional<MethodHandle> parameterInfo;

    DriverExtensions(SymbolLookup library) {
        this.library = library;
        launchKernelEx = find("cuLaunchKernelEx", ADDRESS, JAVA_LONG, ADDRESS, ADDRESS);
        encodeTiled = find("cuTensorMapEncodeTiled", ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS,
                ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
        parameterInfo = find("cuFuncGetParamInfo", JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS);
    }

    /** Those of the machine's driver. */
    static DriverExtensions get() {
        Driver.initialize();
        return Loaded.INSTANCE;
    }

    private static final class Loaded {
        static final DriverExtensions INSTANCE =
                new DriverExtensions(NativeLibraries.open(Driver.LIBRARY).orElseThrow());
    }

    private Optional<MethodHandle> find(String function, MemoryLayout... parameters) {
        return library.find(function).map(symbol -> Linker.nativeLinker().downcallHandle(symbol,
                FunctionDescriptor.of(JAVA_INT, parameters)));
    }

    /**
     * {@code cuLaunchKernelEx} with a cluster.
     *
     * @param function the CUfunction
     * @param stream   the CUstream
     * @param packed   as {@link KernelArguments#pack} makes them
     */
    void launchCluster(long function, long stream, Launch launch, MemorySegment packed) {
        MethodHandle call = require(launchKernelEx, "cuLaunchKernelEx", "11.8");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attribute = arena.allocate(ATTRIBUTE_BYTES, Long.BYTES);
            attribute.set(JAVA_INT, 0, CLUSTER_DIMENSION);
            setDimensions(attribute, ATTRIBUTE_VALUE, launch.cluster(), 1, 1);
            MemorySegment config = arena.allocate(CONFIG_BYTES, Long.BYTES);
            setDimensions(config, CONFIG_GRID, launch.gridX(), launch.gridY(), launch.gridZ());
            setDimensions(config, CONFIG_BLOCK, launch.block(), 1, 1);
            config.set(JAVA_INT, CONFIG_SHARED, launch.sharedBytes());
            config.set(JAVA_LONG, CONFIG_STREAM, stream);
            config.set(ADDRESS, CONFIG_ATTRIBUTES, attribute);
            config.set(JAVA_INT, CONFIG_ATTRIBUTE_COUNT, 1);
            CudaException.check(invoke(call, config, function, packed, MemorySegment.NULL), "cuLaunchKernelEx",
                    launch.entry());
        }
    }

    private static void setDimensions(MemorySegment struct, long offset, int x, int y, int z) {
        struct.set(JAVA_INT, offset, x);
        struct.set(JAVA_INT, offset + Integer.BYTES, y);
        struct.set(JAVA_INT, offset + 2 * Integer.BYTES, z);
    }

    /** {@code cuTensorMapEncodeTiled} into {@code target}. */
    void encode(TensorMap map, MemorySegment target) {
        MethodHandle call = require(encodeTiled, "cuTensorMapEncodeTiled", "12.0");
        try (Arena arena = Arena.ofConfined()) {
            int rank = map.rank();
            int[] ones = new int[rank];
            Arrays.fill(ones, 1);
            int result = invoke(call, target, map.typeCode(), rank, map.address(),
                    arena.allocateFrom(JAVA_LONG, map.sizes()), arena.allocateFrom(JAVA_LONG, map.strides()),
                    arena.allocateFrom(JAVA_INT, map.box()), arena.allocateFrom(JAVA_INT, ones),
                    TensorMap.NO_INTERLEAVING, map.swizzle().code(), TensorMap.PROMOTE_TO_256_BYTES,
                    TensorMap.ZEROS_OUT_OF_BOUNDS);
            CudaException.check(result, "cuTensorMapEncodeTiled", map);
        }
    }

    /** Bytes of each of a kernel's parameters; empty when the driver is older than CUDA 12.4 and cannot say. */
    Optional<List<Integer>> parameters(long function, String entry) {
        if (parameterInfo.isEmpty()) {
            return Optional.empty();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment offset = arena.allocate(JAVA_LONG);
            MemorySegment size = arena.allocate(JAVA_LONG);
            List<Integer> sizes = new ArrayList<>();
            while (true) {
                int result = invoke(parameterInfo.get(), function, (long) sizes.size(), offset, size);
                if (result == CUresult.CUDA_ERROR_INVALID_VALUE) {
                    return Optional.of(List.copyOf(sizes));
                }
                CudaException.check(result, "cuFuncGetParamInfo", entry);
                sizes.add((int) size.get(JAVA_LONG, 0));
            }
        }
    }

    private static MethodHandle require(Optional<MethodHandle> function, String name, String since) {
        return function.orElseThrow(() -> new MissingCudaException("NVIDIA's driver has no " + name,
                "Update it to one of CUDA " + since + " or newer."));
    }

    private static int invoke(MethodHandle function, Object... arguments) {
        try {
            return (int) function.invokeWithArguments(arguments);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("foreign functions throw no checked exceptions", e);
        }
    }
}
