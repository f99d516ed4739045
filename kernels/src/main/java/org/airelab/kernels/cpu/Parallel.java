package org.airelab.kernels.cpu;

import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;

/**
 * The parallel loop of all CPU kernels. Tasks are handed out one by one to whichever thread is free, so a kernel must
 * never let a result depend on which thread ran what.
 *
 * <p>Runs on the OpenMP threads of a libgomp that is already in the process (a numerical library's own threads: a
 * second pool would fight them for the cores), else on a pool of Java threads.
 */
public final class Parallel {
    private static final AtomicBoolean BUSY = new AtomicBoolean();
    /** Set by hand; 0 leaves the number to the team. */
    private static volatile int chosenThreads;
    private static volatile Team team = chooseTeam();

    private Parallel() {}

    /** Something that runs one job on several threads at once, the caller among them, and waits for all. */
    interface Team {
        void run(Job job, int threads);

        /** How many threads the calling thread's loops use where nobody has said. */
        int threads();
    }

    /**
     * The number of threads a loop of the calling thread uses: what {@link #setThreads} said, else as many as OpenMP's
     * own loops use ({@code OMP_NUM_THREADS} counts), without OpenMP the number of processors. Within a task, and while
     * another thread's loop runs, it is 1: see {@link #forRange}.
     */
    public static int threads() {
        if (BUSY.get()) {
            return 1;
        }
        var chosen = chosenThreads;
        return chosen > 0 ? chosen : team.threads();
    }

    /**
     * Sets the number of threads a loop uses, at least 1. On OpenMP's threads every change of the number between two
     * loops, of these or of the library's own, ends threads and starts others.
     */
    public static void setThreads(int count) {
        Buffers.atLeast("a number of threads", 1, count);
        chosenThreads = count;
    }

    /** Takes {@link #setThreads} back. */
    static void unsetThreads() {
        chosenThreads = 0;
    }

    /**
     * Looks for libgomp again; call it after loading a library that brings one.
     *
     * @return whether loops now run on OpenMP's threads
     */
    public static synchronized boolean findOpenMp() {
        if (!(team instanceof OpenMpTeam)) {
            team = chooseTeam();
        }
        return team instanceof OpenMpTeam;
    }

    private static Team chooseTeam() {
        Team openMp = OpenMpTeam.find();
        return openMp != null ? openMp : new JavaTeam();
    }

    /**
     * Runs {@code task} for 0, 1, ... {@code tasks - 1}, in any order and on several threads, and returns when all are
     * done. Within a task, or while another thread's loop runs, the loop runs on the calling thread alone. The first
     * exception of a task is thrown to the caller, and tasks not yet begun are dropped.
     */
    public static void forRange(int tasks, IntConsumer task) {
        forRange(threads(), tasks, task);
    }

    /** The same with this number of threads. */
    static void forRange(int count, int tasks, IntConsumer task) {
        if (count == 1 || tasks <= 1 || !BUSY.compareAndSet(false, true)) {
            for (var i = 0; i < tasks; i++) {
                TaskCall.call(task, i);
            }
            Reference.reachabilityFence(task);
            return;
        }
        var job = new Job(tasks, task);
        try {
            team.run(job, count);
        } finally {
            BUSY.set(false);
        }
        job.rethrow();
    }

    /** The number of tasks when {@code total} items are cut into pieces of {@code each}. */
    public static int pieces(long total, long each) {
        return Math.toIntExact((total + each - 1) / each);
    }
}
