package org.airelab.benchmarks.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BootstrapTest {
    private static final double MARGIN = 0.05;

    /**
     * 60,000 resamples in numpy, stretched by Student's t, of one JVM a side: 1.0 + 0.01 (7 i mod 25) against
     * 1.1 + 0.012 (5 i mod 21).
     */
    @Test
    void agreesWithNumpyForOneJvm() {
        double[][] base = {new double[25]};
        double[][] changed = {new double[21]};
        for (int i = 0; i < 25; i++) {
            base[0][i] = 1 + 0.01 * (7 * i % 25);
        }
        for (int i = 0; i < 21; i++) {
            changed[0][i] = 1.1 + 0.012 * (5 * i % 21);
        }
        Estimate b = Bootstrap.of(base, changed, 0, 1);
        assertEquals(0.918033, b.ratio(), 1e-6);
        assertEquals(0.8646, b.low(), 0.003);
        assertEquals(0.9773, b.high(), 0.003);
        assertEquals(0.0073, b.pValue(), 0.003);
    }

    /** All 729 resamples of the JVMs' least times, stretched by Student's t: 0.99, 1.03, 0.96 and 1.07, 1.03, 1.10. */
    @Test
    void agreesWithTheEnumerationForThreeJvms() {
        double[][] base = {{1.00, 1.01, 0.99, 1.02}, {1.03, 1.05, 1.04, 1.06}, {0.97, 0.98, 0.96, 0.99}};
        double[][] changed = {{1.08, 1.10, 1.09, 1.07}, {1.04, 1.06, 1.05, 1.03}, {1.12, 1.11, 1.13, 1.10}};
        Estimate b = Bootstrap.of(base, changed, 0, 1);
        assertEquals(0.925234, b.ratio(), 1e-6);
        assertEquals(b.ratio(), Bootstrap.ratio(base, changed));
        assertEquals(0.836047, b.low(), 2e-6);
        assertEquals(1.058774, b.high(), 2e-6);
        assertEquals(0.141717, b.pValue(), 1e-5);
    }

    /** By numerical integration of the density. */
    @Test
    void studentsTailsAreRight() {
        assertEquals(0.295167, Student.twoSided(2, 1), 1e-6);
        assertEquals(0.066767, Student.twoSided(2.5, 4), 1e-6);
        assertEquals(0.030099, Student.twoSided(3, 5), 1e-6);
        assertEquals(0.003950, Student.twoSided(4, 8), 1e-6);
        assertEquals(1, Student.twoSided(0, 3), 1e-12);
        assertEquals(0, Student.twoSided(Double.POSITIVE_INFINITY, 2), 1e-12);
        assertEquals(1, Student.twoSided(5, 0));
        assertEquals(12.706205, Student.quantile(0.05, 1), 1e-6);
        assertEquals(2.776445, Student.quantile(0.05, 4), 1e-6);
        assertEquals(2.131847, Student.quantile(0.1, 4), 1e-6);
        assertEquals(2.015368, Student.quantile(0.05, 44), 1e-6);
    }

    /** Times of 1 ms in a full run, each JVM off by about 1 %, each sample by as much, one in ten by far more. */
    private static double[][] samples(SplittableRandom random, double slowdown) {
        double[][] samples = new double[5][5];
        for (double[] jvm : samples) {
            double level = slowdown * Math.exp(0.01 * random.nextGaussian());
            for (int i = 0; i < jvm.length; i++) {
                double disturbance = random.nextInt(10) == 0 ? 1 + random.nextDouble() : 1;
                jvm[i] = level * Math.exp(0.01 * random.nextGaussian()) * disturbance;
            }
        }
        return samples;
    }

    @Test
    void aTenthSlowerIsFoundInAReportOfSixtyRows() {
        SplittableRandom random = new SplittableRandom(7);
        int found = 0;
        for (int report = 0; report < 40; report++) {
            Estimate b = Bootstrap.of(samples(random, 1), samples(random, 1.1), 0, report);
            found += Verdict.of(b, MARGIN, Math.min(1, 60 * b.pValue())) == Verdict.SLOWER ? 1 : 0;
        }
        assertTrue(found >= 36, "found in " + found + " of 40 reports");
    }

    @Test
    void theSameBuildIsTheSame() {
        SplittableRandom random = new SplittableRandom(8);
        int same = 0;
        for (int i = 0; i < 100; i++) {
            Estimate b = Bootstrap.of(samples(random, 1), samples(random, 1), 0, i);
            Verdict verdict = Verdict.of(b, MARGIN, Math.min(1, 60 * b.pValue()));
            assertTrue(verdict == Verdict.SAME || verdict == Verdict.CANNOT_TELL, verdict + " " + b);
            same += verdict == Verdict.SAME ? 1 : 0;
        }
        assertTrue(same >= 85, "the same in " + same + " of 100 rows");
    }

    /** No spread at all: equal times are equal, unequal ones are not. */
    @Test
    void timesWithoutSpreadAreJudgedToo() {
        double[][] one = {{1, 1}, {1, 1}};
        double[][] two = {{2, 2}, {2, 2}};
        assertEquals(new Estimate(1, 1, 1, 1, 1, 1), Bootstrap.of(one, one, 0, 1));
        assertEquals(0, Bootstrap.of(one, two, 0, 1).pValue());
    }

    @Test
    void ofOneTimeEachNothingIsConcluded() {
        Estimate b = Bootstrap.of(new double[][] {{1}}, new double[][] {{2}}, 0, 1);
        assertEquals(new Estimate(0.5, 0, Double.POSITIVE_INFINITY, 0, Double.POSITIVE_INFINITY, 1), b);
        assertEquals(Verdict.CANNOT_TELL, Verdict.of(b, MARGIN, b.pValue()));
    }

    @Test
    void equalSeedsGiveEqualResults() {
        double[][] base = samples(new SplittableRandom(1), 1);
        double[][] changed = samples(new SplittableRandom(2), 1);
        assertEquals(Bootstrap.of(base, changed, 0, 5), Bootstrap.of(base, changed, 0, 5));
    }

    @Test
    void theFirstVerdictThatAppliesCounts() {
        assertEquals(Verdict.SAME, Verdict.of(new Estimate(0.97, 0.94, 0.985, 0.951, 0.983, 1e-4), MARGIN, 1e-3));
        assertEquals(Verdict.SLOWER, Verdict.of(new Estimate(0.94, 0.92, 0.96, 0.925, 0.955, 1e-4), MARGIN, 1e-3));
        assertEquals(Verdict.FASTER, Verdict.of(new Estimate(1.3, 1.2, 1.4, 1.22, 1.38, 1e-4), MARGIN, 1e-3));
        assertEquals(Verdict.CANNOT_TELL, Verdict.of(new Estimate(0.94, 0.88, 1.01, 0.89, 1, 0.1), MARGIN, 1));
        Estimate found = new Estimate(0.94, 0.92, 0.96, 0.925, 0.955, 0.002);
        assertEquals(Verdict.CANNOT_TELL, Verdict.of(found, MARGIN, 0.06));
    }
}
