package org.airelab.distributed.pretrain;

/** How fast a run goes: seconds of its steps alone, without validations and checkpoints. */
final class Pace {
    /** Weight of a new step in the running mean of a step's time. */
    private static final double NEWEST = 0.05;
    /** Steps in which the JVM still compiles: they count as work done, not as speed. */
    private static final int WARMUP = 10;

    private final long tokensPerStep;
    private double recent = Double.NaN;
    private double seconds;
    private long steps;

    Pace(long tokensPerStep) {
        this.tokensPerStep = tokensPerStep;
    }

    void step(double stepSeconds) {
        steps++;
        if (steps > WARMUP) {
            seconds += stepSeconds;
        }
        recent = Double.isNaN(recent) || steps <= WARMUP ? stepSeconds : (1 - NEWEST) * recent + NEWEST * stepSeconds;
    }

    /** Tokens a second now. */
    double recent() {
        return tokensPerStep / recent;
    }

    /** Tokens a second over all steps after the warm-up, or now when there were none. */
    double mean() {
        return steps > WARMUP ? tokensPerStep * (steps - WARMUP) / seconds : recent();
    }
}
