package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;

/** Checks of settings and of the states they need. */
final class Ranges {
    private Ranges() {}

    static void atLeastZero(String name, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException("expected a " + name + " of at least 0, found " + value);
        }
    }

    /** Checks a state that is there exactly if the settings need it. */
    static void state(String name, boolean needed, MemorySegment state, UpdateRange range, MemorySegment weights) {
        if (needed != (state != null)) {
            throw new IllegalArgumentException(needed
                    ? "expected a " + name + ", found none" : "expected no " + name + ", found one");
        }
        if (needed) {
            range.check(weights, state);
        }
    }

    static void belowOne(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException("expected " + name + " in [0, 1), found " + value);
        }
    }
}
