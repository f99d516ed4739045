package org.airelab.train;

import java.util.Arrays;

/**
 * Notices that a run is lost: a loss that is not a number, or one that stays far above what it has been. "Far" is in
 * standard deviations of the last {@value #WINDOW} losses, "stays" is {@value #PATIENCE} steps in a row, so that a
 * single hard batch stops nothing.
 */
public final class DivergenceGuard {
    /** Losses it remembers at most. */
    public static final int WINDOW = 128;
    static final int PATIENCE = 5;
    private static final int LEAST_HISTORY = 32;

    private final double threshold;
    private final double[] losses = new double[WINDOW];
    private int seen;
    private int outliers;

    /** {@code threshold} in standard deviations; 0 looks for NaN and infinity only. */
    public DivergenceGuard(double threshold) {
        this.threshold = threshold;
    }

    /**
     * What a guard remembers, for a run that is resumed.
     *
     * @param losses   the last losses that were not outliers, oldest first, {@value #WINDOW} at most
     * @param outliers steps in a row, up to the last, whose losses were
     */
    public record Memory(double[] losses, int outliers) {
    }

    /** What it remembers now. */
    public Memory memory() {
        int n = Math.min(seen, WINDOW);
        double[] ordered = new double[n];
        for (int i = 0; i < n; i++) {
            ordered[i] = losses[(seen - n + i) % WINDOW];
        }
        return new Memory(ordered, outliers);
    }

    /** Takes up what another remembered. */
    public void restore(Memory memory) {
        System.arraycopy(memory.losses, 0, losses, 0, memory.losses.length);
        seen = memory.losses.length;
        outliers = memory.outliers;
    }

    /** Takes a step's loss; whether the run has diverged, in words, or null. */
    public String check(double loss) {
        if (!Double.isFinite(loss)) {
            return "the loss is " + loss;
        }
        int n = Math.min(seen, WINDOW);
        if (threshold > 0 && n >= LEAST_HISTORY) {
            double mean = Arrays.stream(losses, 0, n).average().orElse(0);
            double variance = Arrays.stream(losses, 0, n).map(l -> (l - mean) * (l - mean)).sum() / (n - 1);
            double score = (loss - mean) / Math.max(Math.sqrt(variance), 1e-3 * Math.abs(mean) + 1e-12);
            if (score > threshold) {
                outliers++;
                return outliers < PATIENCE ? null : String.format(java.util.Locale.ROOT,
                        "the loss %.4f is %.1f standard deviations above its mean %.4f for %d steps", loss, score, mean,
                        outliers);
            }
        }
        outliers = 0;
        losses[seen++ % WINDOW] = loss;
        return null;
    }
}
