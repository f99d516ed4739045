package org.airelab.benchmarks.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PairsTest {
    private static final int JVMS = 8;
    private static final int VISITS = 5;
    private static final double MARGIN = 0.05;

    /** Times of two builds in turn on a machine that is up to a third slower from one visit to the next. */
    private static double[][][] inTurn(SplittableRandom random, double slowdown) {
        return inTurn(random, slowdown, JVMS, 0.01);
    }

    private static double[][][] inTurn(SplittableRandom random, double slowdown, int jvms, double spread) {
        double[][][] both = new double[2][jvms][VISITS];
        for (int jvm = 0; jvm < jvms; jvm++) {
            double own = Math.exp(spread * random.nextGaussian());
            double other = Math.exp(spread * random.nextGaussian());
            for (int visit = 0; visit < VISITS; visit++) {
                double machine = 1 + random.nextDouble() / 3;
                both[0][jvm][visit] = own * machine * Math.exp(0.01 * random.nextGaussian());
                both[1][jvm][visit] = slowdown * other * machine * Math.exp(0.01 * random.nextGaussian());
            }
        }
        return both;
    }

    @Test
    void whatTheMachineDoesToBothDoesNotCount() {
        SplittableRandom random = new SplittableRandom(1);
        int same = 0;
        int found = 0;
        int alone = 0;
        for (int i = 0; i < 200; i++) {
            double[][][] equal = inTurn(random, 1);
            Estimate pairs = Pairs.of(equal[0], equal[1], i);
            same += Verdict.of(pairs, MARGIN, pairs.pValue()) == Verdict.SAME ? 1 : 0;
            double[][][] slower = inTurn(random, 1.1);
            Estimate slow = Pairs.of(slower[0], slower[1], i);
            // As one of 20 rows: Holm multiplies the smallest p-value by 20.
            found += Verdict.of(slow, MARGIN, 20 * slow.pValue()) == Verdict.SLOWER && slow.ratio() < 0.95 ? 1 : 0;
            Estimate unpaired = Bootstrap.of(equal[0], equal[1], 0, i);
            alone += Verdict.of(unpaired, MARGIN, unpaired.pValue()) == Verdict.SAME ? 1 : 0;
        }
        assertTrue(same >= 195, same + " of 200 equal builds are the same");
        assertTrue(found >= 190, found + " of 200 slower ones are found");
        assertTrue(alone < same, "pairs tell no more than runs alone");
    }

    /** Of JVMs that differ by more than their samples do, few of which the percentiles alone take for all there are. */
    @Test
    void theIntervalHoldsTheTruthAsOftenAsItSays() {
        int trials = 600;
        for (int jvms : new int[] {5, 8, 20}) {
            // What the estimate stretches the percentiles' interval by, on the scale of logarithms.
            double stretch = Student.quantile(0.05, jvms - 1) / 1.959964 * Math.sqrt(jvms / (jvms - 1.0));
            List<Estimate> estimates = IntStream.range(0, trials).parallel().mapToObj(i -> {
                double[][][] both = inTurn(new SplittableRandom(1000L * jvms + i), 1.03, jvms, 0.03);
                return Pairs.of(both[0], both[1], i);
            }).toList();
            long held = estimates.stream().filter(e -> holds(e, 1 / 1.03, 1)).count();
            long percentile = estimates.stream().filter(e -> holds(e, 1 / 1.03, 1 / stretch)).count();
            String found = held + " of " + trials + " intervals of " + jvms + " pairs hold the ratio, by percentiles "
                    + percentile;
            assertTrue(held >= 0.93 * trials && held <= 0.985 * trials, found);
            assertTrue(jvms == 20 || percentile < 0.93 * trials, found);
        }
    }

    private static boolean holds(Estimate e, double ratio, double shrunk) {
        return Math.log(e.ratio()) + shrunk * Math.log(e.low() / e.ratio()) <= Math.log(ratio)
                && Math.log(ratio) <= Math.log(e.ratio()) + shrunk * Math.log(e.high() / e.ratio());
    }

    /** Of two pairs of JVMs, both are on the same side of a ratio of 1 every other time; of four, every eighth. */
    @Test
    void jvmsThatDifferAreNotTakenForBuildsThatDo() {
        SplittableRandom random = new SplittableRandom(5);
        for (int jvms : new int[] {2, 3, 4, JVMS}) {
            int found = 0;
            for (int i = 0; i < 400; i++) {
                double[][][] equal = inTurn(random, 1, jvms, 0.03);
                found += Pairs.of(equal[0], equal[1], i).pValue() < 0.01 ? 1 : 0;
            }
            assertTrue(found <= 8, found + " of 400 equal builds differ at a level of 0.01, with " + jvms + " JVMs");
        }
    }

    @Test
    void equalTimesAreEqual() {
        double[][] times = {{1, 2}, {3, 1}};
        assertEquals(new Estimate(1, 1, 1, 1, 1, 1), Pairs.of(times, times, 1));
    }

    @Test
    void rowsOfOtherNumbersOfSamplesArePairedWithNothing() {
        assertTrue(Pairs.match(new double[][] {{1}, {2}}, new double[][] {{3}, {4}}));
        assertFalse(Pairs.match(new double[][] {{1}, {2}}, new double[][] {{3}, {4}, {5}}));
        assertFalse(Pairs.match(new double[][] {{1}, {2, 3}}, new double[][] {{3}, {4}}));
        assertFalse(Pairs.match(new double[][] {{1}}, new double[][] {{3}}));
    }

    @Test
    void aJvmThatWentWrongDoesNotDecide() {
        double[][][] both = inTurn(new SplittableRandom(4), 1);
        Arrays.fill(both[0][2], 4000);
        both[1][1][4] = 77;
        Estimate estimate = Pairs.of(both[0], both[1], 1);
        assertEquals(Verdict.SAME, Verdict.of(estimate, MARGIN, estimate.pValue()), estimate.toString());
    }

    @Test
    void aMachineThatChangedMakesLessCertain() {
        SplittableRandom random = new SplittableRandom(3);
        double[][][] both = inTurn(random, 1);
        Estimate still = Bootstrap.of(both[0], both[1], 0, 1);
        Estimate changed = Bootstrap.of(both[0], both[1], 0.1, 1);
        assertEquals(still.ratio(), changed.ratio());
        assertTrue(changed.low() < still.low() && changed.high() > still.high());
        assertTrue(changed.high() / changed.low() > Math.exp(2 * 1.95 * 0.1));
        assertTrue(changed.pValue() > still.pValue());
    }
}
