package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What Linux's scheduler tells of this process's threads, in nanoseconds, over each iteration of
 * {@link KernelBenchmark}: how long they ran, the first number of a thread's {@code schedstat}, and how long they could
 * run but had no core, the second. That grows when other programs, or this one's compiler, take the cores that a kernel
 * needs. The thread that asks for iterations does not count: it waits for a core at the end of each, when the kernel
 * has them all.
 */
final class Disturbance {
    /** Threads waited or ran for less than this share of an iteration: what the system itself does when it is quiet. */
    private static final double NEGLIGIBLE = 0.03;
    private static final Path TASKS = Path.of("/proc/self/task");
    private static final Path OWN_TASK = Path.of("/proc/thread-self");

    private static volatile boolean everyIteration;
    private static volatile boolean oneThread;
    private static volatile Path asking;
    private static Times before;
    private static long begin;

    /**
     * Nanoseconds since threads began.
     *
     * @param waited     of all threads but the one that asks
     * @param othersRan  of all but that and the calling one
     */
    private record Times(long waited, long othersRan) {
    }

    private Disturbance() {
    }

    /** Forgets all iterations so far; called by the thread that asks for the next ones. */
    static void reset() {
        everyIteration = true;
        oneThread = false;
        try {
            asking = Files.readSymbolicLink(OWN_TASK).getFileName();
        } catch (IOException e) {
            asking = null;
        }
    }

    /** An iteration begins. */
    static void begin() {
        before = times();
        begin = System.nanoTime();
    }

    /** An iteration is over. */
    static void end() {
        double negligible = NEGLIGIBLE * (System.nanoTime() - begin);
        Times now = times();
        if (now.waited - before.waited < negligible) {
            everyIteration = false;
        }
        if (now.othersRan - before.othersRan < negligible) {
            oneThread = true;
        }
    }

    /** Whether threads had to wait in every iteration since the reset; false where the system does not tell. */
    static boolean ofEveryIteration() {
        return everyIteration;
    }

    /** Whether in an iteration since the reset the thread that runs it ran alone; true where the system does not tell. */
    static boolean oneThread() {
        return oneThread;
    }

    private static Times times() {
        long waited = 0;
        long ran = 0;
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
            Path own = Files.readSymbolicLink(OWN_TASK).getFileName();
            for (Path task : tasks) {
                if (!task.getFileName().equals(asking)) {
                    long[] schedstat = schedstat(task);
                    waited += schedstat[1];
                    ran += task.getFileName().equals(own) ? 0 : schedstat[0];
                }
            }
            return new Times(waited, ran);
        } catch (IOException e) {
            return new Times(0, 0);
        }
    }

    /** How long a thread has run, and waited for a core. */
    private static long[] schedstat(Path task) {
        try {
            String[] words = Files.readString(task.resolve("schedstat")).split(" ");
            return new long[] {Long.parseLong(words[0]), Long.parseLong(words[1])};
        } catch (IOException e) {
            // The thread has ended since the folder was read.
            return new long[2];
        }
    }
}
