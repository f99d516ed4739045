package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.Families;
import org.airelab.kernels.Rung;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AccuracyTest {
    /** Largest of a million float32 errors, attention's gradients the worst of all families. */
    private static final double FLOAT32 = 1e-4;

    static Stream<String> small() {
        return Stream.concat(Workloads.all().filter(Workload::quick), Families.all().stream()
                .flatMap(family -> Workloads.variants(family).stream())).map(Workload::id);
    }

    /** Proves that a workload calls the operation right, and that libtorch is asked for the same one. */
    @ParameterizedTest
    @MethodSource("small")
    void rungsAndLibtorchDoWhatTheReferenceDoes(String id) {
        Workload<?> workload = Workloads.find(id);
        List<float[]> reference = Accuracy.reference(workload);
        for (Rung rung : Workloads.family(workload).rungs()) {
            double error = Accuracy.error(workload, rung.name(), reference).orElseThrow();
            assertTrue(error < FLOAT32, rung.name() + ": expected an error below 1e-4, found " + error);
        }
        if (workload.baseline() != null) {
            OptionalDouble error = Accuracy.error(workload, BoundWorkload.LIBTORCH, reference);
            assertTrue(error.isEmpty() == id.startsWith("attention/backward"));
            assertTrue(error.orElse(0) < FLOAT32, "libtorch: expected an error below 1e-4, found " + error);
        }
    }

    /** They are one kernel: what differs is which threads its tasks run on. */
    @ParameterizedTest
    @MethodSource("small")
    void oneCoreGivesTheBitsOfAll(String id) {
        Workload<?> workload = Workloads.find(id);
        List<float[]> all = results(workload, "parallel");
        List<float[]> one = results(workload, workload.family().equals("matmul") ? "packed" : "vector");
        for (int i = 0; i < all.size(); i++) {
            assertArrayEquals(all.get(i), one.get(i));
        }
    }

    private static List<float[]> results(Workload<?> workload, String kernel) {
        try (BoundWorkload<?> bound = new BoundWorkload<>(workload, 1)) {
            bound.call(kernel).run();
            return bound.results();
        }
    }

    @Test
    void theErrorIsTheLargestInUnitsOfTheRootMeanSquare() {
        float[] expected = {3, -4, 0, 0};
        assertEquals(0, Accuracy.error(List.of(expected), List.of(expected)));
        assertEquals(1 / 2.5, Accuracy.error(List.of(expected), List.of(new float[] {3, -4, 1, 0.5f})), 1e-12);
        assertEquals(2 / 2.5, Accuracy.error(List.of(expected, expected),
                List.of(new float[] {3, -4, 1, 0}, new float[] {3, -2, 0, 0})), 1e-12);
    }

    @Test
    void thePeakIsThatOfTheTensorWithTheHighest() {
        List<float[]> tensors = List.of(new float[] {3, -4, 0, 0}, new float[] {1, 1}, new float[2]);
        assertEquals(4 / 2.5, Accuracy.peak(tensors), 1e-12);
    }

    @Test
    void aNanThatTheReferenceLacksIsAnErrorOfNan() {
        assertEquals(Double.NaN, Accuracy.error(List.of(new float[] {1, 2}), List.of(new float[] {1, Float.NaN})));
        assertThrows(IllegalStateException.class,
                () -> Accuracy.error(List.of(new float[] {1, 2}), List.of(new float[] {1})));
    }
}
