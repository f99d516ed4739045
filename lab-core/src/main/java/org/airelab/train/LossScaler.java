package org.airelab.train;

/**
 * Dynamic loss scaling (Micikevicius et al. 2018, section 3.2): the loss is multiplied so that small gradients survive
 * float16; a step that overflows is skipped and halves the scale, {@value #GROWTH_INTERVAL} steps without overflow
 * double it. Without float16 the scale is always 1 and overflow is left to the divergence guard.
 */
public final class LossScaler {
    static final int GROWTH_INTERVAL = 2000;
    private static final double INITIAL = 65_536;
    private static final double LARGEST = 1 << 24;
    /** With a smaller scale than that, float16 represents less of the gradients than without any. */
    private static final double LEAST = 1.0 / (1 << 14);

    private final boolean dynamic;
    private double scale;
    private int goodSteps;

    /** A scaler that works only for {@link Precision#FP16}. */
    public LossScaler(Precision precision) {
        dynamic = precision == Precision.FP16;
        scale = dynamic ? INITIAL : 1;
    }

    /** The factor of the loss. */
    public double scale() {
        return scale;
    }

    /** Whether gradients overflow however small the scale: they are then infinite by themselves. */
    public boolean exhausted() {
        return scale < LEAST;
    }

    /** Steps since the scale last changed. */
    public int goodSteps() {
        return goodSteps;
    }

    /** Takes up a state saved before. */
    public void restore(double savedScale, int savedGoodSteps) {
        scale = savedScale;
        goodSteps = savedGoodSteps;
    }

    /**
     * Learns whether a step's gradients were finite.
     *
     * @return whether the step must be skipped
     */
    public boolean skip(boolean finite) {
        if (!dynamic) {
            return false;
        }
        if (!finite) {
            scale = scale / 2;
            goodSteps = 0;
            return true;
        }
        if (++goodSteps == GROWTH_INTERVAL) {
            scale = Math.min(scale * 2, LARGEST);
            goodSteps = 0;
        }
        return false;
    }
}
