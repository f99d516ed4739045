package org.airelab.benchmarks.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private static final double MARGIN = 0.05;
    private static final int JVMS = 6;
    private static final int VISITS = 3;

    /** A kernel, on a machine that is slower in every second JVM, and a library at some workloads. */
    private static SpeedFile file(String session, double kernel, int baselines, double libtorch) {
        double[][] times = new double[JVMS][VISITS];
        for (int i = 0; i < JVMS * VISITS; i++) {
            double noise = 1 + 0.002 * (7 * i % 11);
            times[i / VISITS][i % VISITS] = kernel * noise * (i / VISITS % 2 == 0 ? 1 : 1.3);
        }
        Map<String, double[][]> own = new TreeMap<>();
        for (int i = 0; i < baselines; i++) {
            own.put("workload " + i, new double[][] {{libtorch}, {libtorch}});
        }
        return new SpeedFile(Map.of("kernel", times), own, Map.of(), session);
    }

    private static Comparison compare(SpeedFile base, SpeedFile changed) {
        return Comparison.of(base, changed, MARGIN);
    }

    private static String notes(Comparison comparison) {
        return String.join("; ", ComparisonText.notes(comparison));
    }

    @Test
    void buildsInTurnAreComparedPairByPair() {
        Comparison inTurn = compare(file("one", 1, 3, 1), file("one", 1.1, 3, 1.25));
        assertTrue(inTurn.inTurn());
        assertEquals(List.of(Verdict.SLOWER), inTurn.rows().stream().map(Comparison.Change::verdict).toList());
        assertTrue(notes(inTurn).contains("measured in turn"), notes(inTurn));
        for (SpeedFile other : List.of(file("two", 1.1, 0, 1), file(null, 1.1, 0, 1))) {
            Comparison alone = compare(file("one", 1, 0, 1), other);
            assertEquals(List.of(Verdict.CANNOT_TELL), alone.rows().stream().map(Comparison.Change::verdict).toList());
        }
    }

    @Test
    void intervalsAllowForWhatEnoughOfTheLibrariesTimesTell() {
        Comparison without = compare(file(null, 1, 0, 1), file(null, 1, 0, 1));
        Comparison few = compare(file(null, 1, 2, 1), file(null, 1, 2, 1.25));
        Comparison enough = compare(file(null, 1, 3, 1), file(null, 1, 3, 1.25));
        assertEquals(without.rows(), few.rows());
        assertTrue(notes(few).contains("too few of the libraries' own times are known"), notes(few));
        assertEquals(1.4826 * Math.log(1.25), enough.drift(), 1e-12);
        double widened = Math.log(enough.rows().getFirst().high() / enough.rows().getFirst().low());
        double length = Math.log(without.rows().getFirst().high() / without.rows().getFirst().low());
        double drift = 2 * Student.quantile(0.05, 2 * JVMS - 2) * enough.drift();
        assertEquals(Math.hypot(length, drift), widened, 0.02 * widened);
        assertTrue(notes(enough).contains("the libraries' own times moved by 39.2% (geometric mean of ratios 0.800);"
                + " the intervals allow for it"), notes(enough));
        for (double steady : new double[] {1, 1.0003}) {
            Comparison same = compare(file(null, 1, 3, 1), file(null, 1, 3, steady));
            assertFalse(notes(same).contains("the libraries' own times"), notes(same));
        }
    }

    @Test
    void aBaselineThatChangedHidesNothing() {
        SpeedFile base = file(null, 1, 5, 1);
        SpeedFile changed = file(null, 1, 5, 1.01);
        changed.baselines().put("workload 0", new double[][] {{10}, {10}});
        assertEquals(1.4826 * Math.log(1.01), compare(base, changed).drift(), 1e-12);
    }
}
