package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.airelab.kernels.Family;
import org.airelab.kernels.Native;
import org.airelab.kernels.Rung;
import org.junit.jupiter.api.Test;

class OptimizerTest {
    private static final AdamSettings ADAM_W = new AdamSettings(0.01, 0.9, 0.95, 1e-8, 0.1, true);
    private static final AdamSettings ADAM = new AdamSettings(0.01, 0.9, 0.95, 1e-8, 0.1, false);
    private static final SgdSettings MOMENTUM = new SgdSettings(0.01, 0.9, 0.1, 0.05, false);
    private static final SgdSettings NESTEROV = new SgdSettings(0.01, 0.9, 0, 0.05, true);
    private static final SgdSettings PLAIN = new SgdSettings(0.01, 0, 0, 0.05, false);
    private static final RmsPropSettings RMS = new RmsPropSettings(0.01, 0.9, 1e-6, 0.05, 0, false);
    private static final RmsPropSettings RMS_ALL = new RmsPropSettings(0.01, 0.9, 1e-3, 0.05, 0.8, true);

    /** Weights, gradient and states of an optimizer. */
    private static List<MemorySegment> arrays(int count, int states) {
        var arrays = new ArrayList<>(List.of(normal(count, 1, 1), zeros(count)));
        IntStream.range(0, states).forEach(i -> arrays.add(zeros(count)));
        return arrays;
    }

    private interface Stepper<R extends Rung> {
        void step(R rung, long step, UpdateRange range, List<MemorySegment> arrays);
    }

    private static <R extends Rung> List<MemorySegment> run(R rung, int count, int states, Stepper<R> stepper) {
        var arrays = arrays(count, states);
        for (var step = 1; step <= 4; step++) {
            arrays.get(1).copyFrom(normal(count, 10 + step, 1));
            stepper.step(rung, step, new UpdateRange(0, count, 0.5f), arrays);
        }
        return arrays;
    }

    private static <R extends Rung> void assertAgrees(Family<R> family, int states, Stepper<R> stepper) {
        for (var count : new int[] {1, 7, 8, 9, 31, 33, 40_001}) {
            var expected = run(family.reference(), count, states, stepper);
            var plain = run(family.rungs().getFirst(), count, states, stepper);
            for (var rung : family.rungs()) {
                var actual = run(rung, count, states, stepper);
                for (var i = 0; i < actual.size(); i++) {
                    assertAsGoodAsPlain(expected.get(i), plain.get(i), actual.get(i),
                            family + " " + rung.name() + " " + count + " array " + i);
                }
            }
        }
    }

    @Test
    void adamAgreesWithTheReference() {
        for (var settings : List.of(ADAM_W, ADAM)) {
            assertAgrees(Adam.FAMILY, 2, (rung, step, range, a) ->
                    rung.step(settings, step, range, a.get(0), a.get(1), a.get(2), a.get(3)));
        }
    }

    @Test
    void sgdAgreesWithTheReference() {
        for (var settings : List.of(MOMENTUM, NESTEROV)) {
            assertAgrees(Sgd.FAMILY, 1, (rung, step, range, a) ->
                    rung.step(settings, step, range, a.get(0), a.get(1), a.get(2)));
        }
        assertAgrees(Sgd.FAMILY, 0, (rung, step, range, a) ->
                rung.step(PLAIN, step, range, a.get(0), a.get(1), null));
    }

    @Test
    void rmsPropAgreesWithTheReference() {
        assertAgrees(RmsProp.FAMILY, 1, (rung, step, range, a) ->
                rung.step(RMS, range, a.get(0), a.get(1), a.get(2), null, null));
        assertAgrees(RmsProp.FAMILY, 3, (rung, step, range, a) ->
                rung.step(RMS_ALL, range, a.get(0), a.get(1), a.get(2), a.get(3), a.get(4)));
    }

    /** Two steps on weights 1, -2, 0.5 with gradients 0.1, -0.3, 2 then 0.2, 0.1, -1, as PyTorch computes them. */
    private static <R extends Rung> void assertPublished(Family<R> family, int states, Stepper<R> stepper,
            float... expected) {
        var rungs = new ArrayList<R>(family.rungs());
        rungs.add(family.reference());
        for (var rung : rungs) {
            var arrays = arrays(3, states);
            arrays.get(0).copyFrom(Native.of(1, -2, 0.5f));
            arrays.get(1).copyFrom(Native.of(0.1f, -0.3f, 2));
            stepper.step(rung, 1, UpdateRange.all(3), arrays);
            arrays.get(1).copyFrom(Native.of(0.2f, 0.1f, -1));
            stepper.step(rung, 2, UpdateRange.all(3), arrays);
            assertArrayEquals(expected, Native.array(arrays.get(0)), 3e-7f, family + " " + rung.name());
        }
    }

    @Test
    void pyTorchsNumbers() {
        assertPublished(Adam.FAMILY, 2, (rung, step, range, a) ->
                rung.step(ADAM_W, step, range, a.get(0), a.get(1), a.get(2), a.get(3)),
                0.97843114f, -1.98196893f, 0.48632681f);
        assertPublished(Adam.FAMILY, 2, (rung, step, range, a) ->
                rung.step(ADAM, step, range, a.get(0), a.get(1), a.get(2), a.get(3)),
                0.98013692f, -1.98188622f, 0.48703075f);
        assertPublished(Sgd.FAMILY, 1, (rung, step, range, a) ->
                rung.step(MOMENTUM, step, range, a.get(0), a.get(1), a.get(2)),
                0.99490068f, -1.99240180f, 0.47030911f);
        assertPublished(Sgd.FAMILY, 1, (rung, step, range, a) ->
                rung.step(NESTEROV, step, range, a.get(0), a.get(1), a.get(2)),
                0.99118771f, -1.98916722f, 0.46368405f);
        assertPublished(Sgd.FAMILY, 0, (rung, step, range, a) ->
                rung.step(PLAIN, step, range, a.get(0), a.get(1), null),
                0.99600075f, -1.99600200f, 0.48951013f);
        assertPublished(RmsProp.FAMILY, 1, (rung, step, range, a) ->
                rung.step(RMS, range, a.get(0), a.get(1), a.get(2), null, null),
                0.94093855f, -1.96850923f, 0.48270736f);
        assertPublished(RmsProp.FAMILY, 3, (rung, step, range, a) ->
                rung.step(RMS_ALL, range, a.get(0), a.get(1), a.get(2), a.get(3), a.get(4)),
                0.91138035f, -1.94063894f, 0.45452002f);
    }

    @Test
    void onlyTheRangeIsTouched() {
        for (var rung : Adam.FAMILY.rungs()) {
            var arrays = arrays(40, 2);
            arrays.get(1).copyFrom(normal(40, 5, 1));
            var before = arrays.stream().map(Native::copy).toList();
            rung.step(ADAM_W, 1, new UpdateRange(3, 22, 1), arrays.get(0), arrays.get(1), arrays.get(2), arrays.get(3));
            for (var i = 0; i < 40; i++) {
                for (var k = 0; k < 4; k++) {
                    var changed = Native.get(arrays.get(k), i) != Native.get(before.get(k), i);
                    var expected = k != 1 && i >= 3 && i < 22; // array 1 is the gradient
                    assertEquals(expected, changed, rung.name() + " array " + k + " element " + i);
                }
            }
        }
    }

    @Test
    void nanReachesTheWeight() {
        for (var rung : Adam.FAMILY.rungs()) {
            var w = normal(9, 1, 1);
            var g = normal(9, 2, 1);
            Native.set(g, 4, Float.NaN);
            rung.step(ADAM_W, 1, UpdateRange.all(9), w, g, zeros(9), zeros(9));
            for (var i = 0; i < 9; i++) {
                assertEquals(i == 4, Float.isNaN(Native.get(w, i)));
            }
        }
    }

    @Test
    void argumentsAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> new AdamSettings(-1, 0.9, 0.9, 0, 0, true));
        assertThrows(IllegalArgumentException.class, () -> new AdamSettings(1, 1, 0.9, 0, 0, true));
        assertThrows(IllegalArgumentException.class, () -> new AdamSettings(1, 0.9, Double.NaN, 0, 0, true));
        assertThrows(IllegalArgumentException.class, () -> new SgdSettings(1, 0.9, 0.1, 0, true));
        assertThrows(IllegalArgumentException.class, () -> new RmsPropSettings(1, 1, 0, 0, 0, false));
        assertThrows(IllegalArgumentException.class, () -> new UpdateRange(3, 2, 1));
        for (var rung : Adam.FAMILY.rungs()) {
            assertThrows(IllegalArgumentException.class, () ->
                    rung.step(ADAM, 0, UpdateRange.all(4), zeros(4), zeros(4), zeros(4), zeros(4)));
            assertThrows(IllegalArgumentException.class, () ->
                    rung.step(ADAM, 1, UpdateRange.all(5), zeros(4), zeros(4), zeros(4), zeros(4)));
            assertThrows(IllegalArgumentException.class, () ->
                    rung.step(ADAM, 1, UpdateRange.all(4), zeros(4), zeros(4), zeros(4), zeros(3)));
        }
        for (var rung : Sgd.FAMILY.rungs()) {
            assertThrows(IllegalArgumentException.class, () ->
                    rung.step(MOMENTUM, 1, UpdateRange.all(4), zeros(4), zeros(4), null));
            assertThrows(IllegalArgumentException.class, () ->
                    rung.step(PLAIN, 1, UpdateRange.all(4), zeros(4), zeros(4), zeros(4)));
        }
    }

    private static double sumOfSquares(GradientNorm rung, MemorySegment values) {
        var sum = Native.of(Float.NaN, Float.NaN);
        rung.sumOfSquares(values, values.byteSize() / 4, sum);
        return sum.get(JAVA_DOUBLE_UNALIGNED, 0);
    }

    @Test
    void normsAgreeWithTheReference() {
        for (var count : new int[] {0, 1, 7, 8, 9, 31, 33, 16_384, 50_001}) {
            var values = normal(count, 1, 3);
            var expected = sumOfSquares(GradientNorm.FAMILY.reference(), values);
            for (var rung : GradientNorm.FAMILY.rungs()) {
                assertEquals(expected, sumOfSquares(rung, values), 1e-12 * expected, rung.name());
            }
        }
    }

    @Test
    void normsAreFiniteExactlyIfAllValuesAre() {
        for (var rung : GradientNorm.FAMILY.rungs()) {
            for (var at : new int[] {0, 8, 16}) {
                var values = normal(17, 1, 1);
                Native.set(values, at, 3e38f);
                assertTrue(Double.isFinite(sumOfSquares(rung, values)), "a square beyond float32 is no overflow");
                for (var bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                    Native.set(values, at, bad);
                    assertTrue(!Double.isFinite(sumOfSquares(rung, values)), rung.name() + " " + bad);
                }
            }
            assertThrows(IllegalArgumentException.class, () -> rung.sumOfSquares(zeros(3), 4, zeros(2)));
        }
    }

    @Test
    void threadsDoNotMatter() {
        Native.assertThreadsDoNotMatter(threads -> new float[] {
            (float) sumOfSquares(GradientNorm.FAMILY.fastest(), normal(100_000, 1, 1))});
        Native.assertThreadsDoNotMatter(threads -> Native.array(run(Adam.FAMILY.fastest(), 50_000, 2,
                (rung, step, range, a) -> rung.step(ADAM_W, step, range, a.get(0), a.get(1), a.get(2), a.get(3)))
                .get(0)));
    }
}
