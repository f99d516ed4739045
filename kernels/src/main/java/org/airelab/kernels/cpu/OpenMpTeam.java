package org.airelab.kernels.cpu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The threads of a libgomp already loaded in this process, entered through {@code GOMP_parallel}. */
final class OpenMpTeam implements Parallel.Team {
    private static final Path MAPS = Path.of("/proc/self/maps");
    private static volatile Job current;

    private final MethodHandle parallel;
    private final MethodHandle maxThreads;
    private final MemorySegment work;

    private OpenMpTeam(MethodHandle parallel, MethodHandle maxThreads, MemorySegment work) {
        this.parallel = parallel;
        this.maxThreads = maxThreads;
        this.work = work;
    }

    /** The team of the first libgomp in the process, or null where there is none. */
    static OpenMpTeam find() {
        try {
            var library = loadedLibrary();
            return library.isPresent() ? bind(library.get()) : null;
        } catch (IOException | ReflectiveOperationException | IllegalArgumentException e) {
            return null; // not Linux, or a libgomp we cannot bind: Java threads do as well
        }
    }

    private static Optional<Path> loadedLibrary() throws IOException {
        if (!Files.isReadable(MAPS)) {
            return Optional.empty();
        }
        try (var lines = Files.lines(MAPS, StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.contains("/libgomp"))
                    .map(line -> Path.of(line.substring(line.indexOf('/'))))
                    .findFirst();
        }
    }

    private static OpenMpTeam bind(Path library) throws ReflectiveOperationException {
        var symbols = SymbolLookup.libraryLookup(library, Arena.global());
        var entry = symbols.find("GOMP_parallel");
        var size = symbols.find("omp_get_max_threads");
        if (entry.isEmpty() || size.isEmpty()) {
            return null;
        }
        // void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags)
        var linker = Linker.nativeLinker();
        var parallel = linker.downcallHandle(entry.get(), FunctionDescriptor.ofVoid(ValueLayout.ADDRESS,
                ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
        var target = MethodHandles.lookup().findStatic(OpenMpTeam.class, "work",
                MethodType.methodType(void.class, MemorySegment.class));
        var stub = linker.upcallStub(target, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS), Arena.global());
        var maxThreads = linker.downcallHandle(size.get(), FunctionDescriptor.of(ValueLayout.JAVA_INT));
        return new OpenMpTeam(parallel, maxThreads, stub);
    }

    /**
     * Asked anew for every loop: OpenMP keeps the number for each thread by itself, and a library may set it late, as
     * libtorch does when a thread first computes with it. A team of another size than the library's would make libgomp
     * end threads and start others from loop to loop.
     */
    @Override
    public int threads() {
        try {
            return (int) maxThreads.invokeExact();
        } catch (Throwable t) {
            throw new IllegalStateException(t);
        }
    }

    /** Called by every thread of the team, with the data pointer of {@code GOMP_parallel}, which is not needed. */
    @SuppressWarnings("unused")
    private static void work(MemorySegment data) {
        current.work();
    }

    @Override
    public void run(Job job, int threads) {
        current = job; // one loop at a time: Parallel sees to it
        try {
            // The whole team even for fewer tasks: libgomp ends threads that a smaller team leaves over.
            parallel.invokeExact(work, MemorySegment.NULL, threads, 0);
        } catch (Throwable t) {
            throw new IllegalStateException(t);
        } finally {
            current = null;
        }
    }
}
