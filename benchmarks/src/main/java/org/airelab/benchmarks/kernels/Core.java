package org.airelab.benchmarks.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.BitSet;
import java.util.Optional;

/**
 * Keeps a thread on one core, {@code sched_setaffinity(2)}: the last that it may run on, so that all processes with the
 * same leave come to the same. Without effect where the system has no such function. Threads that it starts meanwhile
 * stay there, too.
 */
final class Core {
    /** More cores than this a process is not told of: the size of glibc's cpu_set_t. */
    private static final int MOST_CORES = 1024;
    private static final FunctionDescriptor SIGNATURE = FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    private static final Optional<MethodHandle> GET = find("sched_getaffinity");
    private static final Optional<MethodHandle> SET = find("sched_setaffinity");
    /** The cores a thread had leave for before. */
    private static final ThreadLocal<BitSet> BEFORE = new ThreadLocal<>();

    private Core() {
    }

    private static Optional<MethodHandle> find(String function) {
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find(function).map(address -> linker.downcallHandle(address, SIGNATURE));
    }

    /** The calling thread stays on one core. */
    static void stay() {
        BitSet all = allowed();
        if (BEFORE.get() == null && all.cardinality() > 1) {
            BitSet last = new BitSet();
            last.set(all.length() - 1);
            allow(last);
            BEFORE.set(all);
        }
    }

    /** The calling thread may run where it could before. */
    static void leave() {
        BitSet before = BEFORE.get();
        if (before != null) {
            allow(before);
            BEFORE.remove();
        }
    }

    /** The cores that the calling thread may run on; none where the system does not tell. */
    static BitSet allowed() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment set = arena.allocate(MOST_CORES / 8, 8);
            return call(GET, set) == 0 ? BitSet.valueOf(set.asByteBuffer()) : new BitSet();
        }
    }

    private static void allow(BitSet cores) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment set = arena.allocate(MOST_CORES / 8, 8);
            MemorySegment.copy(MemorySegment.ofArray(cores.toByteArray()), 0, set, 0, (cores.length() + 7) / 8);
            call(SET, set);
        }
    }

    /** For the calling thread, whose number is 0; anything but 0 is a failure. */
    private static int call(Optional<MethodHandle> function, MemorySegment set) {
        if (function.isEmpty()) {
            return -1;
        }
        try {
            return (int) function.get().invokeExact(0, set.byteSize(), set);
        } catch (Throwable t) {
            throw new AssertionError("foreign functions throw nothing", t);
        }
    }
}
