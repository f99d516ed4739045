package org.airelab.kernels.shim;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.airelab.kernels.cuda.Launch;

/** The functions of {@code shim.cpp} and the compiled kernels; one thread at a time, as the shim's state is static. */
final class HostLibrary {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Map<List<Object>, Kernel> KERNELS = new HashMap<>();
    private static Shim shim;

    private record Shim(Path path, MethodHandle allocate, MethodHandle free, MethodHandle launch) {}

    /** An entry of a compiled source, and the kinds of its parameters, a letter each. */
    record Kernel(Path library, MemorySegment entry, String kinds, MemorySegment module) {}

    private HostLibrary() {}

    /** Builds the shim, unless it is built. */
    static synchronized void load() {
        shim();
    }

    private static Shim shim() {
        if (shim == null) {
            var path = HostCompiler.shim();
            var symbols = SymbolLookup.libraryLookup(path, Arena.global());
            shim = new Shim(path,
                    function(symbols, "lab_allocate", FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_INT)),
                    function(symbols, "lab_free", FunctionDescriptor.ofVoid(ADDRESS)),
                    function(symbols, "lab_launch", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS,
                            JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS)));
        }
        return shim;
    }

    private static MethodHandle function(SymbolLookup symbols, String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(symbols.findOrThrow(name), type);
    }

    static synchronized MemorySegment allocate(long bytes, int tracked) {
        var address = (MemorySegment) call(() -> (MemorySegment) shim().allocate.invokeExact(bytes, tracked));
        if (address.address() == 0) {
            throw new IllegalStateException("no memory is left in the shim's arena: are launchers closed?");
        }
        return address.reinterpret(bytes);
    }

    static synchronized void free(MemorySegment buffer) {
        call(() -> {
            shim().free.invokeExact(buffer);
            return null;
        });
    }

    static synchronized Kernel kernel(String text, List<String> options, String entry) {
        return KERNELS.computeIfAbsent(List.of(text, options, entry), key -> {
            var path = HostCompiler.kernel(text, options, shim().path);
            var symbols = SymbolLookup.libraryLookup(path, Arena.global());
            var found = symbols.find("lab_entry_" + entry).orElseThrow(
                    () -> new IllegalArgumentException("the source has no entry " + entry));
            var kinds = function(symbols, "lab_kinds_" + entry, FunctionDescriptor.of(ADDRESS));
            var letters = (MemorySegment) call(() -> (MemorySegment) kinds.invokeExact());
            return new Kernel(path, found, letters.reinterpret(Long.MAX_VALUE).getString(0),
                    symbols.findOrThrow("lab_module"));
        });
    }

    /** Returns 0, or after a fault another number, a message and the place in the library. */
    static synchronized int launch(Kernel kernel, MemorySegment values, Launch launch, long seed, MemorySegment message,
            MemorySegment where) {
        try (var arena = Arena.ofConfined()) {
            var kinds = arena.allocateFrom(kernel.kinds);
            return (int) call(() -> (int) shim().launch.invokeExact(kernel.entry, values, kinds, kernel.module,
                    launch.gridX(), launch.gridY(), launch.gridZ(), launch.block(), launch.sharedBytes(), seed, message,
                    message.byteSize(), where));
        }
    }

    static String line(Kernel kernel, long address) {
        return address == 0 ? "" : HostCompiler.line(kernel.library, address);
    }

    private interface Call {
        Object run() throws Throwable;
    }

    private static Object call(Call call) {
        try {
            return call.run();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
