package org.airelab.benchmarks.kernels;

/**
 * Turns of JVMs that measure the same kernel of several builds at once: an iteration of a benchmark begins when its JVM
 * is told so, after one of each other JVM's. What slows the machine for a tenth of a second, a program on the other
 * half of a core for example, then slows iterations of all builds.
 */
final class Turns {
    private static volatile Runnable wait;

    private Turns() {
    }

    /** From now on iterations wait. */
    static void take(Runnable untilToldSo) {
        wait = untilToldSo;
    }

    /** From now on iterations do not wait. */
    static void end() {
        wait = null;
    }

    /** Called before each iteration. */
    static void await() {
        Runnable now = wait;
        if (now != null) {
            now.run();
        }
    }
}
