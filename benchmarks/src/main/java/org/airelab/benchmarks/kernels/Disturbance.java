package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

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
    private static Map<Path, long[]> before;
    private static long begin;

    private Disturbance() {
    }

    /** Forgets all iterations so far; called by the thread that asks for the next ones. */
    static void reset() {
        everyIteration = true;
        oneThread = false;
        asking = own();
    }

    /** An iteration begins. */
    static void begin() {
        before = threads();
        begin = System.nanoTime();
    }

    /** An iteration is over. */
    static void end() {
        double elapsed = System.nanoTime() - begin;
        Path own = own();
        long waited = 0;
        long ran = 0;
        long othersRan = 0;
        for (Map.Entry<Path, long[]> now : threads().entrySet()) {
            // Of a thread that has begun since, all.
            long[] then = before.getOrDefault(now.getKey(), new long[2]);
            waited += now.getValue()[1] - then[1];
            if (now.getKey().equals(own)) {
                ran += now.getValue()[0] - then[0];
            } else {
                othersRan += now.getValue()[0] - then[0];
            }
        }
        if (waited < NEGLIGIBLE * elapsed) {
            everyIteration = false;
        }
        if (ran > 0 && othersRan < NEGLIGIBLE * elapsed) {
            oneThread = true;
        }
    }

    /** Whether threads had to wait in every iteration since the reset; false where the system does not tell. */
    static boolean ofEveryIteration() {
        return everyIteration;
    }

    /**
     * Whether the thread that runs iterations ran alone in one since the reset; false where the system does not tell.
     */
    static boolean oneThread() {
        return oneThread;
    }

    /** How long each thread but the one that asks has run, and waited for a core, by its number. */
    private static Map<Path, long[]> threads() {
        Map<Path, long[]> times = new HashMap<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
            for (Path task : tasks) {
                if (!task.getFileName().equals(asking)) {
                    read(task, times);
                }
            }
        } catch (IOException e) {
            // There is no such folder: the system does not tell.
        }
        return times;
    }

    private static void read(Path task, Map<Path, long[]> times) {
        try {
            String[] words = Files.readString(task.resolve("schedstat")).split(" ");
            times.put(task.getFileName(), new long[] {Long.parseLong(words[0]), Long.parseLong(words[1])});
        } catch (IOException e) {
            // The thread has ended since the folder was read, or the system does not tell.
        }
    }

    private static Path own() {
        try {
            return Files.readSymbolicLink(OWN_TASK).getFileName();
        } catch (IOException e) {
            return null;
        }
    }
}
