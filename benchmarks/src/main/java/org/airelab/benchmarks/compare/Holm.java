package org.airelab.benchmarks.compare;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Holm's correction: with adjusted p-values the chance of even one false finding among all rows stays below the level
 * at which each is judged. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.
 */
final class Holm {
    private Holm() {
    }

    /** Adjusted p-values, in the order of those given. */
    static double[] adjust(double[] pValues) {
        int[] order = IntStream.range(0, pValues.length).boxed().sorted(Comparator.comparingDouble(i -> pValues[i]))
                .mapToInt(Integer::intValue).toArray();
        double[] adjusted = new double[pValues.length];
        double largest = 0;
        for (int rank = 0; rank < order.length; rank++) {
            largest = Math.max(largest, Math.min(1, (order.length - rank) * pValues[order[rank]]));
            adjusted[order[rank]] = largest;
        }
        return adjusted;
    }
}
