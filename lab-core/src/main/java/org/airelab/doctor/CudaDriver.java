package org.airelab.doctor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The few questions the CUDA driver API answers about devices (CUDA driver API, "Device Management"). */
final class CudaDriver {
    private static final int MULTIPROCESSOR_COUNT = 16;
    private static final int COMPUTE_CAPABILITY_MAJOR = 75;
    private static final int COMPUTE_CAPABILITY_MINOR = 76;
    private static final int NAME_BYTES = 256;

    private final SymbolLookup library;
    private final Arena arena;

    private CudaDriver(SymbolLookup library, Arena arena) {
        this.library = library;
        this.arena = arena;
    }

    /** One device. The capability of an H100 is 9.0. */
    record Device(String name, long memoryBytes, String computeCapability, int multiprocessors) {
    }

    /**
     * What the driver says.
     *
     * @param cudaVersion the newest CUDA the driver serves, such as 12.6
     */
    record Report(String cudaVersion, List<Device> devices) {
    }

    /** The driver cannot be used, and why. */
    static final class Unusable extends Exception {
        private static final long serialVersionUID = 1L;

        Unusable(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** Asks the driver library {@code libcuda} for its devices. */
    static Report ask(Path libcuda) throws Unusable {
        try (Arena arena = Arena.ofConfined()) {
            // The driver starts threads: it must never be unloaded.
            var driver = new CudaDriver(SymbolLookup.libraryLookup(libcuda, Arena.global()), arena);
            driver.call("cuInit", 0);
            int version = driver.integer("cuDriverGetVersion");
            int count = driver.integer("cuDeviceGetCount");
            var devices = new ArrayList<Device>();
            for (int ordinal = 0; ordinal < count; ordinal++) {
                devices.add(driver.device(ordinal));
            }
            return new Report(version / 1000 + "." + version % 1000 / 10, List.copyOf(devices));
        } catch (IllegalArgumentException e) {
            throw new Unusable(libcuda + " cannot be loaded: " + e.getMessage(), e);
        }
    }

    private Device device(int ordinal) throws Unusable {
        int device = integer("cuDeviceGet", ordinal);
        MemorySegment name = arena.allocate(NAME_BYTES);
        call("cuDeviceGetName", name, NAME_BYTES, device);
        MemorySegment bytes = arena.allocate(JAVA_LONG);
        call("cuDeviceTotalMem_v2", bytes, device);
        return new Device(name.getString(0), bytes.get(JAVA_LONG, 0),
                integer("cuDeviceGetAttribute", COMPUTE_CAPABILITY_MAJOR, device) + "."
                        + integer("cuDeviceGetAttribute", COMPUTE_CAPABILITY_MINOR, device),
                integer("cuDeviceGetAttribute", MULTIPROCESSOR_COUNT, device));
    }

    /** Calls a function whose first parameter is an {@code int*} for its result. */
    private int integer(String function, Object... arguments) throws Unusable {
        MemorySegment result = arena.allocate(JAVA_INT);
        var all = new ArrayList<Object>(List.of(arguments));
        all.addFirst(result);
        call(function, all.toArray());
        return result.get(JAVA_INT, 0);
    }

    /** Calls a function of pointers and ints that returns a CUresult, and throws unless it is CUDA_SUCCESS. */
    private void call(String function, Object... arguments) throws Unusable {
        int result = invoke(function, arguments);
        if (result != 0) {
            throw new Unusable(function + " failed with CUDA error " + result + describe(result), null);
        }
    }

    private int invoke(String function, Object... arguments) throws Unusable {
        MemorySegment symbol = library.find(function)
                .orElseThrow(() -> new Unusable("the driver has no function " + function, null));
        var parameters = new MemoryLayout[arguments.length];
        for (int i = 0; i < arguments.length; i++) {
            parameters[i] = arguments[i] instanceof MemorySegment ? ADDRESS : JAVA_INT;
        }
        try {
            return (int) Linker.nativeLinker().downcallHandle(symbol, FunctionDescriptor.of(JAVA_INT, parameters))
                    .invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new Unusable(function + " cannot be called: " + e, e);
        }
    }

    private String describe(int result) throws Unusable {
        MemorySegment text = arena.allocate(ADDRESS);
        if (library.find("cuGetErrorString").isEmpty() || invoke("cuGetErrorString", result, text) != 0) {
            return "";
        }
        return " (" + text.get(ADDRESS, 0).reinterpret(Integer.MAX_VALUE).getString(0) + ")";
    }
}
