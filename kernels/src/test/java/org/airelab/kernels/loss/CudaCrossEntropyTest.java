package org.airelab.kernels.loss;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.longs;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.KernelFault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The CUDA ladder of {@link CrossEntropy}, executed on the CPU. */
class CudaCrossEntropyTest {
    private static final long IGNORED = -100;
    private static final float SCALE = 0.25f;
    private static final CudaRung<CrossEntropy> NAIVE = CrossEntropy.FAMILY.cudaRungs().getFirst();

    private record Inputs(MemorySegment logits, MemorySegment targets, int rows, int vocabulary) {
        /** Logits that the type represents; every fifth target is ignored, the first is the row's last element. */
        static Inputs of(int rows, int vocabulary, DType dtype) {
            var random = new SplittableRandom(7);
            var targets = new long[rows];
            for (var row = 0; row < rows; row++) {
                targets[row] = row == 0 ? vocabulary - 1 : row % 5 == 3 ? IGNORED : random.nextInt(vocabulary);
            }
            var logits = decode(encode(normal((long) rows * vocabulary, 1, 3), dtype), dtype);
            return new Inputs(logits, longs(targets), rows, vocabulary);
        }

        Inputs with(long... others) {
            return new Inputs(logits, longs(others), rows, vocabulary);
        }
    }

    /** Results as floats. */
    private record Result(MemorySegment losses, MemorySegment gradient) {}

    private static Result reference(Inputs in) {
        var result = new Result(zeros(in.rows), Native.copy(in.logits));
        CrossEntropy.FAMILY.reference().forwardBackward(result.gradient, in.targets, result.losses, in.rows,
                in.vocabulary, IGNORED, SCALE);
        return result;
    }

    private static Result run(HostLauncher host, CudaRung<CrossEntropy> rung, DType dtype, Inputs in) {
        return run(host, rung, dtype, in, 0);
    }

    /** Runs both operations of a rung, logits beginning {@code shift} elements after a multiple of 256 bytes. */
    private static Result run(HostLauncher host, CudaRung<CrossEntropy> rung, DType dtype, Inputs in, int shift) {
        var kernel = rung.on(host, dtype);
        var encoded = encode(in.logits, dtype);
        var logits = host.copy(encoded, (long) dtype.bytes() * shift);
        var targets = host.copy(in.targets);
        var alone = host.allocate(4L * in.rows);
        var losses = host.allocate(4L * in.rows);
        kernel.forward(logits, targets, alone, in.rows, in.vocabulary, IGNORED);
        assertEquals(-1, logits.mismatch(encoded), "forward must not write");
        kernel.forwardBackward(logits, targets, losses, in.rows, in.vocabulary, IGNORED, SCALE);
        assertEquals(-1, alone.mismatch(losses), "the losses of forward and of forwardBackward differ");
        return new Result(Native.copy(losses), decode(logits, dtype));
    }

    /**
     * Of the vocabularies, 17001 is more than 512 threads hold of float32 in registers, 41001 more than they have room
     * for in shared memory too; of the half types that is 41001 and, in the test below, 256001.
     */
    @ParameterizedTest
    @CsvSource({"1, 1", "131, 3", "37, 7", "5, 32", "6, 33", "4, 257", "2, 1030", "2, 9001", "1, 17001", "1, 41001"})
    void everyRungAgreesWithTheReference(int rows, int vocabulary) {
        for (var dtype : DType.values()) {
            var in = Inputs.of(rows, vocabulary, dtype);
            var expected = reference(in);
            try (var host = new HostLauncher(vocabulary)) {
                var plain = run(host, NAIVE, dtype, in);
                for (var rung : CrossEntropy.FAMILY.cudaRungs()) {
                    var actual = run(host, rung, dtype, in);
                    var what = rung.name() + " " + dtype + " [" + rows + ", " + vocabulary + "]";
                    assertAsGoodAsPlain(expected.losses, plain.losses, actual.losses, what + " losses");
                    assertAsGoodAsPlain(expected.gradient, plain.gradient, actual.gradient, dtype, what + " gradient");
                }
            }
        }
    }

    /** Llama 3's and Gemma's vocabularies are of this size: the sum of so many exponentials must not drift. */
    @Test
    void aVocabularyOfAQuarterOfAMillion() {
        var in = Inputs.of(1, 256_001, DType.BF16);
        var expected = reference(in);
        try (var host = new HostLauncher(1)) {
            for (var rung : CrossEntropy.FAMILY.cudaRungs().subList(1, 3)) {
                var actual = run(host, rung, DType.BF16, in);
                assertEquals(Native.get(expected.losses, 0), Native.get(actual.losses, 0), 1e-5, rung.name());
                assertTrue(Native.error(expected.gradient, actual.gradient) < 0x1p-8, rung.name());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void rowsMayBeginAnywhereAndSchedulesDoNotMatter(DType dtype) {
        var in = Inputs.of(4, 77, dtype);
        for (var rung : CrossEntropy.FAMILY.cudaRungs()) {
            for (var shift : new int[] {0, 1, 3}) {
                Result first = null;
                for (var seed = 0; seed < 3; seed++) {
                    try (var host = new HostLauncher(seed)) {
                        var result = run(host, rung, dtype, in, shift);
                        first = first == null ? result : first;
                        assertArrayEquals(Native.array(first.losses), Native.array(result.losses), rung.name());
                        assertArrayEquals(Native.array(first.gradient), Native.array(result.gradient), rung.name());
                    }
                }
                assertTrue(Native.error(reference(in).losses, first.losses) < 1e-6, rung.name() + " " + shift);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void ignoredRowsHaveNeitherLossNorGradientWhateverTheyHold(DType dtype) {
        var in = Inputs.of(3, 45, dtype).with(IGNORED, IGNORED, IGNORED);
        Native.set(in.logits, 50, Float.NaN);
        Native.set(in.logits, 100, Float.POSITIVE_INFINITY);
        for (var rung : CrossEntropy.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = run(host, rung, dtype, in, 1);
                assertArrayEquals(new float[3], Native.array(actual.losses), rung.name());
                assertArrayEquals(new float[3 * 45], Native.array(actual.gradient), rung.name());
            }
        }
    }

    /** What a target outside of the row would point at is not touched: that would be a fault. */
    @ParameterizedTest
    @EnumSource
    void targetsOutsideOfTheRowMakeItNan(DType dtype) {
        var in = Inputs.of(6, 45, dtype).with(3, 45, -1, Long.MIN_VALUE, 1L << 32, 44);
        var expected = reference(in.with(3, IGNORED, IGNORED, IGNORED, IGNORED, 44));
        for (var rung : CrossEntropy.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = run(host, rung, dtype, in);
                for (var i = 0; i < 6 * 45; i++) {
                    var row = i / 45;
                    var bad = row > 0 && row < 5;
                    assertEquals(bad, Float.isNaN(Native.get(actual.losses, row)), rung.name() + " " + row);
                    assertEquals(bad, Float.isNaN(Native.get(actual.gradient, i)), rung.name() + " " + i);
                    if (!bad) {
                        assertEquals(Native.get(expected.gradient, i), Native.get(actual.gradient, i), 1e-3);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void nonFiniteValuesAsTheReference(DType dtype) {
        var in = Inputs.of(7, 45, dtype).with(5, 6, 7, 8, 9, 9, 44);
        Native.set(in.logits, 45 + 3, Float.NaN);
        Native.set(in.logits, 2 * 45 + 44, Float.POSITIVE_INFINITY);
        Native.set(in.logits, 3 * 45 + 20, Float.NEGATIVE_INFINITY);
        Native.set(in.logits, 4 * 45 + 9, Float.NEGATIVE_INFINITY); // the target
        for (var i = 0; i < 90; i++) {
            Native.set(in.logits, 5 * 45 + i, i == 89 ? 1 : Float.NEGATIVE_INFINITY); // a row of these, and all but one
        }
        var expected = reference(in);
        for (var rung : CrossEntropy.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = run(host, rung, dtype, in);
                assertArrayEquals(Native.array(expected.losses), Native.array(actual.losses), 1e-4f, rung.name());
                assertArrayEquals(Native.array(expected.gradient), Native.array(actual.gradient), 1e-3f, rung.name());
            }
        }
    }

    @Test
    void hugeLogitsDoNotOverflowAndASurePredictionsLossIsExact() {
        var in = new Inputs(Native.of(-3e38f, 3e38f, 3e38f, -3e38f, 100, 84), longs(1, 0, 0), 3, 2);
        for (var rung : CrossEntropy.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = run(host, rung, DType.FP32, in);
                assertEquals(0, Native.get(actual.losses, 0));
                assertEquals(0, Native.get(actual.losses, 1));
                assertEquals(Math.log1p(Math.exp(-16)), Native.get(actual.losses, 2), 1e-8);
                assertArrayEquals(new float[4], Native.array(actual.gradient.asSlice(0, 16)));
            }
        }
    }

    @Test
    void anIgnoredClassMayBeOneOfTheVocabulary() {
        for (var rung : CrossEntropy.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var losses = host.allocate(8);
                rung.on(host, DType.FP32).forward(host.copy(zeros(6)), host.copy(longs(2, 0)), losses, 2, 3, 2);
                assertArrayEquals(new float[] {0, (float) Math.log(3)}, Native.array(losses), 1e-6f);
            }
        }
    }

    @Test
    void noRowsLaunchNothing() {
        for (var rung : CrossEntropy.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var kernel = rung.on(host, DType.BF16);
                kernel.forward(zeros(0), longs(), zeros(0), 0, 4, IGNORED);
                kernel.forwardBackward(zeros(0), longs(), zeros(0), 0, 4, IGNORED, 1);
                assertThrows(IllegalArgumentException.class,
                        () -> kernel.forward(zeros(4), longs(0), zeros(1), 1, 4, IGNORED));
            }
        }
    }

    private static void assertFaults(int rung, String original, String replacement, String expected) {
        assertFaults(rung, 129, original, replacement, expected);
    }

    private static void assertFaults(int rung, int vocabulary, String original, String replacement, String expected) {
        var in = Inputs.of(130, vocabulary, DType.FP32);
        for (var seed = 0; seed < 3; seed++) {
            try (var host = new HostLauncher(seed).withMutation(original, replacement)) {
                var fault = assertThrows(KernelFault.class,
                        () -> run(host, CrossEntropy.FAMILY.cudaRungs().get(rung), DType.FP32, in));
                assertTrue(fault.getMessage().contains(expected), fault.getMessage());
            }
        }
    }

    @Test
    void aBugInAKernelIsFound() {
        assertFaults(0, "    if (row >= rows) return;\n    logits += (long long) row * vocabulary;\n"
                + "    if (targets[row] == ignored) {\n        losses", "    logits += (long long) row * vocabulary;\n"
                + "    if (targets[row] == ignored) {\n        losses", "out of bounds");
        assertFaults(0, "i < vocabulary; i++) sum +=", "i <= vocabulary; i++) sum +=", "reads 4 bytes");
        assertFaults(1, "bool owner = lane == target.at % 32;", "bool owner = lane == 0;", "a race");
        assertFaults(1, "logit = owner ? logit_of(logits, target) : 0.0f", "logit = logit_of(logits, target)",
                "a race");
        assertFaults(1, "if (lane == 0) losses[row] = loss_of", "losses[row] = loss_of", "a race");
        assertFaults(2, "(at - before) / CHUNK % LANES", "at / CHUNK % LANES", "a race");
        assertFaults(2, "lane - CHUNK < width - end ?", "lane - CHUNK <= width - end ?", "");
        assertFaults(2, 1030, "        if (threadIdx.x % 32 == 0) scratch[0][threadIdx.x / 32] = x;\n"
                + "        __syncthreads();",
                "        if (threadIdx.x % 32 == 0) scratch[0][threadIdx.x / 32] = x;", "static shared memory");
        assertFaults(2, "    logits += (long long) blockIdx.x * vocabulary;\n    Cut cut(logits, vocabulary);\n    int",
                "    logits += (long long) blockIdx.x * (vocabulary + 1);\n    Cut cut(logits, vocabulary);\n    int",
                "out of bounds");
    }

    /** Such a bug reads and writes nothing it must not: the numbers show it. */
    private static void assertWrong(int rung, String original, String replacement) {
        var in = Inputs.of(4, 41_001, DType.FP32);
        var expected = reference(in);
        try (var host = new HostLauncher(1).withMutation(original, replacement)) {
            var actual = run(host, CrossEntropy.FAMILY.cudaRungs().get(rung), DType.FP32, in);
            assertTrue(!(Native.error(expected.losses, actual.losses) < 1e-5)
                    || !(Native.error(expected.gradient, actual.gradient) < 1e-5), replacement);
        } catch (AssertionError e) {
            assertTrue(e.getMessage().startsWith("the losses of forward and of"), e.getMessage());
        }
    }

    @Test
    void aWrongNumberIsSeen() {
        assertWrong(0, "    if (targets[row] == ignored) {\n        for", "    if (false) {\n        for");
        assertWrong(1, "sum = warp_sum(sum);", "");
        assertWrong(2, "    online.sum *= exponential(online.most - most);\n", "");
        assertWrong(2, "row_sum(online.sum * exponential(online.most - most), scratch[1])",
                "row_sum(online.sum, scratch[1])");
        assertWrong(2, "beyond = behind + KEPT * STRIDE", "beyond = behind + (KEPT + 1) * STRIDE");
        assertWrong(2, "behind = cut.first + HELD * STRIDE", "behind = cut.first + (HELD + 1) * STRIDE");
        assertWrong(2, "known ? (int) target : 0}", "known ? (int) target - (target > 0) : 0}");
        assertWrong(2, "(expf(logit - most) / sum - 1.0f) * scale", "(expf(logit - most) / sum) * scale");
    }
}
