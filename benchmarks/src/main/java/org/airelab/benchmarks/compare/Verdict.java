package org.airelab.benchmarks.compare;

import com.fasterxml.jackson.annotation.JsonValue;

/** What a comparison of two rows says. The first that applies, in the order given here. */
enum Verdict {
    /**
     * Whatever difference there is, is too small to matter: the 90 % interval lies within the margin, by which a ratio
     * at or beyond either end of it is rejected at 5 % (two one-sided tests: Schuirmann, "A comparison of the two
     * one-sided tests procedure and the power approach", 1987).
     */
    SAME("same"),
    /** The ratio is above 1, and its Holm-adjusted p-value below 0.05. */
    FASTER("faster"),
    /** The ratio is below 1, and its Holm-adjusted p-value below 0.05. */
    SLOWER("slower"),
    /** The interval reaches beyond the margin, and may or may not hold 1: more samples would tell. */
    CANNOT_TELL("cannot tell");

    private static final double LEVEL = 0.05;

    private final String words;

    Verdict(String words) {
        this.words = words;
    }

    /**
     * @param margin   the margin reaches from a ratio of 1 - margin to 1 / (1 - margin)
     * @param adjusted the p-value after Holm's correction
     */
    static Verdict of(Estimate b, double margin, double adjusted) {
        if (b.innerLow() >= 1 - margin && b.innerHigh() <= 1 / (1 - margin)) {
            return SAME;
        }
        if (adjusted < LEVEL) {
            return b.ratio() > 1 ? FASTER : SLOWER;
        }
        return CANNOT_TELL;
    }

    @Override
    @JsonValue
    public String toString() {
        return words;
    }
}
