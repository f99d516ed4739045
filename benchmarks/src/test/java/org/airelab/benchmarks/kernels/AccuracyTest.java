package org.airelab.benchmarks.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.airelab.benchmarks.kernels.workload.AwkwardWorkloads;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Families;
import org.airelab.kernels.Rung;
import org.airelab.kernels.matmul.Matmul;
import org.airelab.kernels.matmul.MatmulShape;
import org.airelab.torch.JavaFunction;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

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
            double error = Accuracy.error(reference, Accuracy.results(workload, rung));
            assertTrue(error < FLOAT32, rung.name() + ": expected an error below 1e-4, found " + error);
        }
        if (workload.baseline() != null) {
            double error = Accuracy.error(reference, Accuracy.libtorch(workload));
            assertTrue(error < FLOAT32, "libtorch: expected an error below 1e-4, found " + error);
        }
    }

    /** All that libtorch does too, among it sums of 50,257 numbers, products of 4095 and of a single one. */
    static Stream<Named<Workload<?>>> comparable() {
        return Stream.of(Workloads.all().filter(Workload::quick),
                Families.all().stream().flatMap(family -> Workloads.variants(family).stream()), AwkwardWorkloads.all())
                .<Workload<?>>flatMap(workloads -> workloads).filter(workload -> workload.baseline() != null)
                .map(workload -> Named.of(workload.id(), workload));
    }

    @ParameterizedTest
    @MethodSource("comparable")
    void noRungIsOffByMoreThanTwiceWhatLibtorchIs(Workload<?> workload) {
        List<float[]> reference = Accuracy.reference(workload);
        List<float[]> libtorch = Accuracy.libtorch(workload);
        assertFalse(libtorch.isEmpty());
        for (Rung rung : Workloads.family(workload).rungs()) {
            List<float[]> actual = Accuracy.results(workload, rung);
            for (int i = 0; i < libtorch.size(); i++) {
                Peer.assertAtMostTwice(reference.get(i), Deviation.of(reference.get(i), libtorch.get(i)),
                        actual.get(i), 1, rung.name() + ", result " + i);
            }
        }
    }

    /** The test above can fail: a thousand products added up one after the other are too far off. */
    @Test
    void aSumFormedOneAfterTheOtherIsOffByMoreThanTwiceWhatLibtorchIs() {
        Workload<?> workload = AwkwardWorkloads.all().filter(w -> w.id().equals("matmul/multiply/8x2048x2048"))
                .findFirst().orElseThrow();
        float[] reference = Accuracy.reference(workload).getFirst();
        Deviation libtorch = Deviation.of(reference, Accuracy.libtorch(workload).getFirst());
        float[] naive = Accuracy.results(workload, new NaiveMatmul()).getFirst();
        assertThrows(AssertionError.class, () -> Peer.assertAtMostTwice(reference, libtorch, naive, 1, "naive"));
    }

    /** A product whose sums are of float32, each formed one after the other. */
    private record NaiveMatmul() implements Matmul {
        @Override
        public String name() {
            return "naive";
        }

        @Override
        public void multiply(MatmulShape s, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c) {
            for (long i = 0; i < s.m(); i++) {
                for (long j = 0; j < s.n(); j++) {
                    float sum = 0;
                    for (long p = 0; p < s.k(); p++) {
                        sum += a.getAtIndex(JAVA_FLOAT, i * s.k() + p) * b.getAtIndex(JAVA_FLOAT, p * s.n() + j);
                    }
                    c.setAtIndex(JAVA_FLOAT, i * s.n() + j, sum);
                }
            }
        }
    }

    @Test
    void theDeviationIsInUnitsOfTheReferencesRootMeanSquare() {
        Deviation deviation = Deviation.of(new float[] {3, -4, 0, 0}, new float[] {3, -4, 1, 0.5f});
        assertEquals(Math.sqrt(1.25 / 4) / 2.5, deviation.rms(), 1e-12);
        assertEquals(1 / 2.5, deviation.largest(), 1e-12);
        Deviation rounding = Deviation.ofRounding(new float[] {1, 1, 1, 1}, DType.FP32);
        assertEquals(0x1p-23 / Math.sqrt(12), rounding.rms(), 1e-15);
        assertEquals(0x1p-24, rounding.largest(), 1e-15);
    }

    /** A JVM that measures binds again for each visit. */
    @ParameterizedTest
    @ValueSource(strings = {"layer-norm/backward/256x768", "gelu/backward/64x2048", "rms-norm/backward/256x768",
        "attention/backward/b1-t128-h8-d64", "cross-entropy/forward-backward/64x4096"})
    void nothingIsLeftOfLibtorchsCallOfAClosedWorkload(String id) {
        int functions = JavaFunction.live();
        long tensors = Tensor.live();
        BoundWorkload<?> bound = new BoundWorkload<>(Workloads.find(id), 1);
        Supplier<Tensor[]> libtorch = bound.libtorch();
        for (Tensor result : libtorch.get()) {
            result.close();
        }
        bound.close();
        assertEquals(functions, JavaFunction.live());
        assertEquals(tensors, Tensor.live());
        assertThrows(IllegalStateException.class, libtorch::get);
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

    /** A library gives the first tensor alone, whose largest result is the larger in its units. */
    @Test
    void whatIsNotGivenIsNotCompared() {
        Workload<?> norm = Workloads.find("rms-norm/forward/256x768");
        List<float[]> reference = List.of(new float[] {2, -2}, new float[] {3, -4, 0, 0});
        Accuracy.Comparison all = Accuracy.compare(norm, DType.FP32, reference,
                List.of(new float[] {2, -3}, new float[] {3, -4, 0, 2}));
        assertEquals(List.of(0.5, 0.8), all.errors());
        assertEquals(0.8, all.error());
        assertEquals(0.5, all.error(1));
        assertEquals(0x1p-22 / 2.5, all.rounding());
        Accuracy.Comparison first = Accuracy.compare(norm, DType.FP32, reference, List.of(new float[] {2, -3}));
        assertEquals(List.of(0.5), first.errors());
        assertEquals(0x1p-24, first.rounding());
    }

    @Test
    void aNanThatTheReferenceLacksIsAnErrorOfNan() {
        assertEquals(Double.NaN, Accuracy.error(List.of(new float[] {1, 2}), List.of(new float[] {1, Float.NaN})));
        assertThrows(IllegalStateException.class,
                () -> Accuracy.error(List.of(new float[] {1, 2}), List.of(new float[] {1})));
    }
}
