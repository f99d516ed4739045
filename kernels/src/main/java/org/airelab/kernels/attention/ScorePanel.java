package org.airelab.kernels.attention;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.cpu.Exponential;
import org.airelab.kernels.cpu.Lanes;

/**
 * What happens to a panel of scores between the products. A panel has a row for each key and a column for each
 * query, so that maxima and sums over the keys run down the lanes and never across. Scores are in binary
 * units, log2(e) times the natural ones. Most loops take one column of vectors; all call the Vector API itself, for the
 * reason given in {@link Panel}.
 */
final class ScorePanel {
    private static final int HALF = Panel.VECTOR;
    private static final VectorSpecies<Float> F = Lanes.WIDE;
    private static final MemorySegment M = Lanes.MEMORY;
    private static final FloatVector LANES = FloatVector.zero(F).addIndex(1);

    private ScorePanel() {}

    /**
     * Makes one value of what keys that come after the query have in a panel.
     *
     * @param firstKey key of the first row, counted from the query of the first column
     */
    static void mask(long panel, int rows, int firstKey, float value) {
        for (var r = Math.max(0, 1 - firstKey); r < rows; r++) {
            var at = panel + (long) r * Panel.ROW;
            maskLanes(at, firstKey + r, value);
            maskLanes(at + HALF, firstKey + r - Panel.LANES, value);
        }
    }

    private static void maskLanes(long at, int key, float value) {
        var after = LANES.compare(VectorOperators.LT, FloatVector.broadcast(F, (float) key));
        fromMemorySegment(F, M, at, LITTLE_ENDIAN).blend(value, after).intoMemorySegment(M, at, LITTLE_ENDIAN);
    }

    /** Raises the maxima [columns] to those of the panel's columns; NaN is passed over. */
    static void raise(long scores, int rows, long maxima) {
        var max = fromMemorySegment(F, M, maxima, LITTLE_ENDIAN);
        var otherMax = fromMemorySegment(F, M, maxima + HALF, LITTLE_ENDIAN);
        for (var r = 0; r < rows; r++) {
            var score = fromMemorySegment(F, M, scores, LITTLE_ENDIAN);
            var other = fromMemorySegment(F, M, scores + HALF, LITTLE_ENDIAN);
            max = max.blend(score, score.compare(VectorOperators.GT, max));
            otherMax = otherMax.blend(other, other.compare(VectorOperators.GT, otherMax));
            scores += Panel.ROW;
        }
        max.intoMemorySegment(M, maxima, LITTLE_ENDIAN);
        otherMax.intoMemorySegment(M, maxima + HALF, LITTLE_ENDIAN);
    }

    /**
     * Replaces the scores by P = 2^(score - shift [columns]) and adds P to the sums [columns]. A shift of minus
     * infinity is that of scores which are, too: they become 0, not NaN, as others may follow.
     */
    static void exponentiate(long scores, int rows, long shifts, long sums) {
        exponentiateHalf(scores, rows, shifts, sums);
        exponentiateHalf(scores + HALF, rows, shifts + HALF, sums + HALF);
    }

    private static void exponentiateHalf(long scores, int rows, long shifts, long sums) {
        var shift = fromMemorySegment(F, M, shifts, LITTLE_ENDIAN);
        shift = shift.blend(0, shift.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY));
        var sum = fromMemorySegment(F, M, sums, LITTLE_ENDIAN);
        for (var r = 0; r < rows; r++) {
            var p = Exponential.exp2(fromMemorySegment(F, M, scores, LITTLE_ENDIAN).sub(shift));
            sum = sum.add(p);
            p.intoMemorySegment(M, scores, LITTLE_ENDIAN);
            scores += Panel.ROW;
        }
        sum.intoMemorySegment(M, sums, LITTLE_ENDIAN);
    }

    /** Multiplies each row of a panel by the factors [columns]. */
    static void scale(long panel, int rows, long factors) {
        scaleHalf(panel, rows, factors);
        scaleHalf(panel + HALF, rows, factors + HALF);
    }

    private static void scaleHalf(long panel, int rows, long factors) {
        var factor = fromMemorySegment(F, M, factors, LITTLE_ENDIAN);
        for (var r = 0; r < rows; r++) {
            fromMemorySegment(F, M, panel, LITTLE_ENDIAN).mul(factor).intoMemorySegment(M, panel, LITTLE_ENDIAN);
            panel += Panel.ROW;
        }
    }

    /** Multiplies each row of a panel by the factors [columns] and adds that of another panel. */
    static void scaleAndAdd(long panel, int rows, long factors, long other) {
        var factor = fromMemorySegment(F, M, factors, LITTLE_ENDIAN);
        var otherFactor = fromMemorySegment(F, M, factors + HALF, LITTLE_ENDIAN);
        for (var r = 0; r < rows; r++) {
            fromMemorySegment(F, M, panel, LITTLE_ENDIAN).fma(factor, fromMemorySegment(F, M, other, LITTLE_ENDIAN))
                    .intoMemorySegment(M, panel, LITTLE_ENDIAN);
            fromMemorySegment(F, M, panel + HALF, LITTLE_ENDIAN)
                    .fma(otherFactor, fromMemorySegment(F, M, other + HALF, LITTLE_ENDIAN))
                    .intoMemorySegment(M, panel + HALF, LITTLE_ENDIAN);
            panel += Panel.ROW;
            other += Panel.ROW;
        }
    }

    /** Multiplies a panel by another, element by element. */
    static void multiply(long panel, long other, int rows) {
        for (var i = 0; i < 2 * rows; i++) {
            fromMemorySegment(F, M, panel, LITTLE_ENDIAN).mul(fromMemorySegment(F, M, other, LITTLE_ENDIAN))
                    .intoMemorySegment(M, panel, LITTLE_ENDIAN);
            panel += HALF;
            other += HALF;
        }
    }

    /** Fills a row. */
    static void fill(long row, float value) {
        var vector = FloatVector.broadcast(F, value);
        vector.intoMemorySegment(M, row, LITTLE_ENDIAN);
        vector.intoMemorySegment(M, row + HALF, LITTLE_ENDIAN);
    }
}
