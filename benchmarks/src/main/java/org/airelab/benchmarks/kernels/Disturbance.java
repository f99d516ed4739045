package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How long this process's threads could run but had no core, by Linux's scheduler: the second number of a thread's
 * {@code schedstat}, in nanoseconds. It grows when other programs, or this one's compiler, take the cores that a kernel
 * needs; measured over each iteration of {@link KernelBenchmark}, by the thread that runs it. The thread that asks for
 * iterations does not count: it waits for a core at the end of each, when the kernel has them all.
 */
final class Disturbance {
    /** Threads waited for less than this share of an iteration: what the system itself does on a quiet machine. */
    private static final double NEGLIGIBLE = 0.03;
    private static final Path TASKS = Path.of("/proc/self/task");
    private static final Path OWN_TASK = Path.of("/proc/thread-self");

    private static volatile boolean everyIteration;
    private static volatile Path asking;
    private static long waitedBefore;
    private static long begin;

    private Disturbance() {
    }

    /** Forgets all iterations so far; called by the thread that asks for the next ones. */
    static void reset() {
        everyIteration = true;
        try {
            asking = Files.readSymbolicLink(OWN_TASK).getFileName();
        } catch (IOException e) {
            asking = null;
        }
    }

    /** An iteration begins. */
    static void begin() {
        waitedBefore = waitedNanos();
        begin = System.nanoTime();
    }

    /** An iteration is over. */
    static void end() {
        double elapsed = System.nanoTime() - begin;
        if (waitedNanos() - waitedBefore < NEGLIGIBLE * elapsed) {
            everyIteration = false;
        }
    }

    /** Whether threads had to wait in every iteration since the reset; false where the system does not tell. */
    static boolean ofEveryIteration() {
        return everyIteration;
    }

    private static long waitedNanos() {
        long sum = 0;
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
            for (Path task : tasks) {
                if (!task.getFileName().equals(asking)) {
                    sum += waitedNanos(task.resolve("schedstat"));
                }
            }
            return sum;
        } catch (IOException e) {
            return 0;
        }
    }

    private static long waitedNanos(Path schedstat) {
        try {
            return Long.parseLong(Files.readString(schedstat).split(" ")[1]);
        } catch (IOException e) {
            // The thread has ended since the folder was read.
            return 0;
        }
    }
}
