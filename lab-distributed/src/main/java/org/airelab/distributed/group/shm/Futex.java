package org.airelab.distributed.group.shm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.locks.LockSupport;

/** Sleeping until another process changes a 32-bit word of shared memory: futex(2), where the system has it. */
final class Futex {
    private static final int WAIT = 0;
    private static final int WAKE = 1;
    /** Where there is no futex, words are looked at this often. */
    private static final long POLL_NANOS = 50_000;
    private static final long NUMBER = number();
    private static final MethodHandle SYSCALL = NUMBER < 0 ? null : syscall();

    private Futex() {
    }

    private static long number() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return -1;
        }
        return switch (System.getProperty("os.arch")) {
            case "amd64" -> 202;
            case "aarch64" -> 98;
            default -> -1;
        };
    }

    /** {@code long syscall(long number, ...)}. */
    private static MethodHandle syscall() {
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find("syscall").map(function -> linker.downcallHandle(function,
                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS),
                Linker.Option.firstVariadicArg(1))).orElse(null);
    }

    /**
     * Sleeps while the word has a value, at most for a time, and perhaps shorter.
     *
     * @param address of the word
     * @param timeout a {@code struct timespec}
     */
    static void await(long address, int value, MemorySegment timeout) {
        if (SYSCALL == null) {
            LockSupport.parkNanos(POLL_NANOS);
            return;
        }
        call(address, WAIT, value, timeout);
    }

    /** Wakes all that sleep on the word. */
    static void wake(long address) {
        if (SYSCALL != null) {
            call(address, WAKE, Integer.MAX_VALUE, MemorySegment.NULL);
        }
    }

    private static void call(long address, int operation, int value, MemorySegment timeout) {
        try {
            long _ = (long) SYSCALL.invokeExact(NUMBER, address, operation, value, timeout);
        } catch (Throwable t) {
            throw new AssertionError("foreign functions throw nothing", t);
        }
    }
}
