package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
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
            double error = Accuracy.error(workload, rung.name(), reference);
            assertTrue(error < FLOAT32, rung.name() + ": expected an error below 1e-4, found " + error);
        }
        if (workload.baseline() != null) {
            double error = Accuracy.error(workload, BoundWorkload.LIBTORCH, reference);
            assertTrue(error < FLOAT32, "libtorch: expected an error below 1e-4, found " + error);
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

    /** Of two written tensors one is float32 in every type: a forward pass's 1 / rms of each row. */
    @Test
    void aRoundingIsHalfAUnitInTheLastPlaceOfTheLargestResult() {
        Workload<?> norm = Workloads.find("rms-norm/forward/256x768");
        List<float[]> results = List.of(new float[] {3, -4, 0, 0}, new float[] {2, -2});
        assertEquals(0x1p-22 / 2.5, Accuracy.rounding(norm, DType.FP32, results), 0);
        assertEquals(0x1p-9 / 2.5, Accuracy.rounding(norm, DType.FP16, results), 0);
        assertEquals(0x1p-6 / 2.5, Accuracy.rounding(norm, DType.BF16, results), 0);
        List<float[]> tiny = List.of(new float[] {0x1.8p-20f}, new float[2]);
        assertEquals(0x1p-25 / 0x1.8p-20, Accuracy.rounding(norm, DType.FP16, tiny), 0, "float16's are subnormal");
        assertEquals(0, Accuracy.rounding(norm, DType.BF16, List.of(new float[2], new float[2])), 0);
    }

    @Test
    void aNanThatTheReferenceLacksIsAnErrorOfNan() {
        assertEquals(Double.NaN, Accuracy.error(List.of(new float[] {1, 2}), List.of(new float[] {1, Float.NaN})));
        assertThrows(IllegalStateException.class,
                () -> Accuracy.error(List.of(new float[] {1, 2}), List.of(new float[] {1})));
    }
}
