package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.larger;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.airelab.kernels.cpu.Exponential;
import org.airelab.kernels.cpu.Lanes;

/**
 * What happens to a panel of scores between the products. A panel has a row for each key and a column for each of
 * sixteen queries, so that maxima and sums over the keys run down the lanes and never across. Scores are in binary units,
 * log2(e) times the natural ones.
 */
final class ScorePanel {
    private static final int HALF = Panel.ROW / 2;
    private static final FloatVector LANES = FloatVector.zero(Lanes.FLOATS).addIndex(1);

    private ScorePanel() {}

    /**
     * Makes -infinity of the scores of keys that come after the query.
     *
     * @param firstKey key of the first row, counted from the query of the first column
     */
    static void mask(long scores, int rows, int firstKey) {
        for (var r = Math.max(0, 1 - firstKey); r < rows; r++) {
            var at = scores + (long) r * Panel.ROW;
            maskLanes(at, firstKey + r);
            maskLanes(at + HALF, firstKey + r - COUNT);
        }
    }

    private static void maskLanes(long at, int key) {
        store(load(at).blend(Float.NEGATIVE_INFINITY, LANES.compare(VectorOperators.LT, (float) key)), at);
    }

    /** Raises the maxima [16] to those of the panel's columns; NaN is passed over. */
    static void raise(long scores, int rows, long maxima) {
        FloatVector u = load(maxima), v = load(maxima + HALF);
        for (var r = 0; r < rows; r++) {
            u = larger(u, load(scores));
            v = larger(v, load(scores + HALF));
            scores += Panel.ROW;
        }
        store(u, maxima);
        store(v, maxima + HALF);
    }

    /** Replaces the scores by 2^(score - maximum) and adds them to the sums [16]. */
    static void exponentiate(long scores, int rows, long maxima, long sums) {
        FloatVector u = load(maxima), v = load(maxima + HALF);
        FloatVector s = load(sums), t = load(sums + HALF);
        for (var r = 0; r < rows; r++) {
            var p = Exponential.exp2(load(scores).sub(u));
            var q = Exponential.exp2(load(scores + HALF).sub(v));
            s = s.add(p);
            t = t.add(q);
            store(p, scores);
            store(q, scores + HALF);
            scores += Panel.ROW;
        }
        store(s, sums);
        store(t, sums + HALF);
    }

    /** Multiplies each row of a panel by the factors [16]. */
    static void scale(long panel, int rows, long factors) {
        FloatVector u = load(factors), v = load(factors + HALF);
        for (var r = 0; r < rows; r++) {
            store(load(panel).mul(u), panel);
            store(load(panel + HALF).mul(v), panel + HALF);
            panel += Panel.ROW;
        }
    }

    /**
     * The softmax's backward pass: scores become probabilities P = 2^(score - log-sum [16]), and their gradients, from
     * which delta is already taken, become P times themselves.
     */
    static void differentiate(long scores, long gradients, int rows, long logSums) {
        FloatVector u = load(logSums), v = load(logSums + HALF);
        for (var r = 0; r < rows; r++) {
            var p = Exponential.exp2(load(scores).sub(u));
            var q = Exponential.exp2(load(scores + HALF).sub(v));
            store(p, scores);
            store(q, scores + HALF);
            store(p.mul(load(gradients)), gradients);
            store(q.mul(load(gradients + HALF)), gradients + HALF);
            scores += Panel.ROW;
            gradients += Panel.ROW;
        }
    }

    /** Fills a row of sixteen. */
    static void fill(long row, float value) {
        store(broadcast(value), row);
        store(broadcast(value), row + HALF);
    }
}
