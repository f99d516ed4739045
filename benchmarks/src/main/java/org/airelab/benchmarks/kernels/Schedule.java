package org.airelab.benchmarks.kernels;

/**
 * How long is measured, and in what order. The whole of it is repeated {@code forks} times, each time in new JVMs: what
 * the compiler makes of a kernel and where its memory comes to lie differ from JVM to JVM. In each, all kernels are
 * warmed up, and then visited one after the other {@code visits} times: what disturbs the machine for a while meets
 * a few visits of many kernels instead of all of one.
 *
 * <p>One sample is the least of a visit's iterations, each the mean of its calls: other programs only ever add time, so
 * that the least is what repeats best (Chen and Revels, "Robust benchmarking in noisy environments", 2016).
 *
 * @param forks            rounds of JVMs
 * @param mostSeconds      for each build; no round is begun that would end later, but for the second
 * @param visits           samples of each kernel in each of its JVMs
 * @param mostWarmups      at most so many visits before, as long as the kernel gets faster
 * @param warmupMillis     length of their iterations
 * @param iterations       iterations of a visit, after one more that is left out
 * @param iterationMillis  length of each
 * @param attempts         at most so many visits for a sample: one is made again where threads of the kernel had to
 *                         wait for a core in every iteration, see {@link Disturbance}
 * @param coolDownMillis   so long at most a GPU may cool down before a visit
 * @param familiesTogether whether one JVM measures all families, which saves JVMs; else each family has its own, whose
 *                         compiled code has seen nothing of the others
 */
record Schedule(int forks, double mostSeconds, int visits, int mostWarmups, int warmupMillis, int iterations,
        int iterationMillis, int attempts, int coolDownMillis, boolean familiesTogether) {
    static final Schedule QUICK = new Schedule(4, 160, 5, 6, 10, 4, 5, 2, 0, true);
    static final Schedule FULL = new Schedule(5, Double.POSITIVE_INFINITY, 5, 20, 30, 6, 15, 5, 0, false);
    /** On a GPU, whose kernels no JVM compiles and nothing but its own clocks disturbs. */
    static final Schedule GPU_QUICK = new Schedule(2, 160, 2, 1, 5, 3, 5, 1, 200, true);
    static final Schedule GPU_FULL =
            new Schedule(3, Double.POSITIVE_INFINITY, 4, 1, 20, 4, 20, 1, 5000, false);

    /**
     * For builds that take turns, of which smaller differences are to be told: pairs need no second attempts, but more
     * iterations, among which there is one that nothing disturbed. There are more visits, too, each with memory of its
     * own: where it lies changes the time of a kernel of some microseconds by a tenth, and not of both builds alike.
     */
    Schedule inTurn() {
        return new Schedule(2 * forks, 6 * mostSeconds, 8 * visits / 5, mostWarmups, warmupMillis, 2 * iterations,
                iterationMillis, 1, coolDownMillis, familiesTogether);
    }
}
