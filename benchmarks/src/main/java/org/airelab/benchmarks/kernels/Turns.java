package org.airelab.benchmarks.kernels;

/**
 * Turns of JVMs that measure the same kernel of several builds at once: an iteration of a benchmark begins when its JVM
 * is told so, after one of each other JVM's. What slows the machine for a tenth of a second, a program on the other
 * half of a core for example, then slows iterations of all builds.
 *
 * <p>A kernel of one thread runs on the same core in all JVMs. Else each would have a core of its own, idle in all
 * turns but one: clocks of cores that are idle half of the time differ for seconds, by up to two thirds where it was
 * seen.
 */
final class Turns {
    private static volatile Runnable wait;
    private static volatile boolean oneCore;

    private Turns() {
    }

    /**
     * From now on iterations wait.
     *
     * @param oneThread whether they need one thread alone
     */
    static void take(Runnable untilToldSo, boolean oneThread) {
        oneCore = oneThread;
        wait = untilToldSo;
    }

    /** From now on iterations do not wait. */
    static void end() {
        wait = null;
        oneCore = false;
    }

    /** Called before each iteration by the thread that runs it. */
    static void await() {
        if (oneCore) {
            Core.stay();
        }
        Runnable now = wait;
        if (now != null) {
            now.run();
        }
    }

    /** Called after each iteration by the same thread. */
    static void done() {
        Core.leave();
    }
}
