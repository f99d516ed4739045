package org.airelab.kernels.attention;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.airelab.kernels.Native;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class AttentionTest {
    private static final Attention REFERENCE = Attention.FAMILY.reference();
    /** An error that scores of around 10 make: their own roundings are some ten of their exponentials. */
    private static final double SCORES = 1e-6;

    private record Result(MemorySegment out, MemorySegment lse, MemorySegment dQkv) {}

    private static Result run(Attention attention, AttentionShape shape, MemorySegment qkv) {
        var result = new Result(zeros(shape.outSize()), zeros(shape.lseSize()), zeros(shape.packedSize()));
        attention.forward(shape, qkv, result.out, result.lse);
        result.dQkv.fill((byte) 77); // overwritten, not added to
        var dOut = normal(shape.outSize(), 2, 1);
        attention.backward(shape, dOut, qkv, result.out, result.lse, result.dQkv);
        return result;
    }

    static Stream<AttentionShape> shapes() {
        var sizes = Stream.of(1, 2, 3, 5, 7, 8, 9, 12, 16, 20, 24, 31, 33, 48, 64, 80)
                .map(size -> new AttentionShape(1, 37, 2, 1, size, true));
        var times = Stream.of(1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100)
                .map(time -> new AttentionShape(2, time, 2, 2, 8, true));
        var long8 = new AttentionShape(1, 601, 2, 1, 8, true);
        var open = Stream.of(1, 9, 16, 65, 300).map(time -> new AttentionShape(1, time, 4, 2, 24, false));
        var cut = Stream.of(true, false).map(causal -> new AttentionShape(1, 1100, 2, 1, 12, causal));
        var groups = Stream.of(1, 2, 3, 6).map(kvHeads -> new AttentionShape(2, 40, 6, kvHeads, 16, true));
        return Stream.of(sizes, times, Stream.of(long8), cut, open, groups).flatMap(s -> s);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void everyRungAgreesWithTheReference(AttentionShape shape) {
        var qkv = normal(shape.packedSize(), 1, 1.5);
        var expected = run(REFERENCE, shape, qkv);
        var plain = run(Attention.FAMILY.rungs().getFirst(), shape, qkv);
        for (var rung : Attention.FAMILY.rungs()) {
            var actual = run(rung, shape, qkv);
            assertAsGoodAsPlain(expected.out, plain.out, actual.out, SCORES, rung.name() + " out");
            assertAsGoodAsPlain(expected.lse, plain.lse, actual.lse, rung.name() + " lse");
            assertAsGoodAsPlain(expected.dQkv, plain.dQkv, actual.dQkv, SCORES, rung.name() + " dQkv " + shape);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theReferencesGradientIsTheSlope(boolean causal) {
        var shape = new AttentionShape(2, 5, 4, 2, 3, causal);
        var qkv = normal(shape.packedSize(), 1, 1);
        var dOut = normal(shape.outSize(), 2, 1);
        var gradient = run(REFERENCE, shape, qkv).dQkv;
        var out = zeros(shape.outSize());
        Native.assertSlope(qkv, gradient, () -> {
            REFERENCE.forward(shape, qkv, out, zeros(shape.lseSize()));
            return Native.dot(out, dOut);
        }, 2e-3);
    }

    @Test
    void equalValuesComeOutUnchanged() {
        var shape = new AttentionShape(2, 70, 4, 2, 24, true);
        for (var rung : Attention.FAMILY.rungs()) {
            var qkv = normal(shape.packedSize(), 1, 2);
            for (var b = 0; b < 2; b++) {
                for (var i = 0; i < 70; i++) {
                    for (var d = 0; d < 48; d++) {
                        Native.set(qkv, shape.value(b, i, 0) + d, 0.7f);
                    }
                }
            }
            for (var value : Native.array(run(rung, shape, qkv).out)) {
                assertEquals(0.7f, value, 1e-6); // the probabilities of a row sum to one
            }
        }
    }

    @Test
    void futurePositionsChangeNothing() {
        var shape = new AttentionShape(1, 90, 2, 1, 16, true);
        for (var rung : Attention.FAMILY.rungs()) {
            for (var cut : new int[] {1, 16, 33, 64, 89}) {
                var qkv = normal(shape.packedSize(), 1, 1);
                var before = run(rung, shape, qkv);
                var future = 4 * shape.query(0, cut, 0);
                qkv.asSlice(future).copyFrom(normal(qkv.asSlice(future).byteSize() / 4, 9, 3));
                var after = run(rung, shape, qkv);
                var past = 4 * shape.out(0, cut, 0);
                assertEquals(-1, before.out.asSlice(0, past).mismatch(after.out.asSlice(0, past)),
                        rung.name() + " cut at " + cut);
            }
        }
    }

    @Test
    void theOrderOfKeysDoesNotMatterWithoutMask() {
        var shape = new AttentionShape(1, 50, 2, 2, 8, false);
        for (var rung : Attention.FAMILY.rungs()) {
            var qkv = normal(shape.packedSize(), 1, 1);
            var reversed = Native.copy(qkv);
            for (var i = 0; i < 50; i++) {
                var bytes = 4L * 4 * 8; // two key heads and two value heads
                MemorySegment.copy(qkv, 4 * shape.key(0, i, 0), reversed, 4 * shape.key(0, 49 - i, 0), bytes);
            }
            assertTrue(Native.error(run(rung, shape, qkv).out, run(rung, shape, reversed).out) < 1e-6, rung.name());
        }
    }

    @Test
    void sharpScoresPickTheirKey() {
        var shape = new AttentionShape(1, 20, 1, 1, 8, false);
        for (var rung : Attention.FAMILY.rungs()) {
            var qkv = zeros(shape.packedSize());
            for (var i = 0; i < 20; i++) {
                Native.set(qkv, shape.query(0, i, 0), 1e4f);
                Native.set(qkv, shape.key(0, i, 0), i == 13 ? 1e4f : -1e4f * i);
                Native.set(qkv, shape.value(0, i, 0), i);
            }
            var result = run(rung, shape, qkv);
            for (var i = 0; i < 20; i++) {
                assertEquals(13, Native.get(result.out, shape.out(0, i, 0)));
                assertEquals(1e8 / Math.sqrt(8), Native.get(result.lse, i), 10);
            }
        }
    }

    @Test
    void nanReachesEveryQueryThatSeesIt() {
        var shape = new AttentionShape(1, 70, 1, 1, 8, true);
        for (var rung : Attention.FAMILY.rungs()) {
            for (var bad : new long[] {shape.key(0, 37, 0) + 3, shape.value(0, 37, 0) + 3}) {
                var qkv = normal(shape.packedSize(), 1, 1);
                Native.set(qkv, bad, Float.NaN);
                var out = run(rung, shape, qkv).out;
                for (var i = 37; i < 70; i++) {
                    assertTrue(Float.isNaN(Native.get(out, shape.out(0, i, 0) + 3)), rung.name() + " " + i);
                }
                for (var i = 0; i < 32; i++) {
                    assertTrue(Float.isFinite(Native.get(out, shape.out(0, i, 0) + 3)), rung.name() + " " + i);
                }
            }
        }
    }

    @Test
    void minusInfinityScoresCountForNothing() {
        var shape = new AttentionShape(1, 3, 1, 1, 1, false);
        for (var rung : Attention.FAMILY.rungs()) {
            // rows of query, key, value
            var qkv = Native.of(1, 0, 5, 1, Float.NEGATIVE_INFINITY, 9, 1, 0, 7);
            var out = zeros(3);
            rung.forward(shape, qkv, out, zeros(3));
            assertEquals(6, Native.get(out, 0), 1e-6, rung.name());
        }
    }

    /** Tiles of keys among which no score counts, before others that do, and alone. */
    @ParameterizedTest
    @ValueSource(ints = {31, 66, 140, 300})
    void minusInfinityScoresOfWholeTilesCountForNothing(int without) {
        for (var with : new int[] {4, 0}) {
            var shape = new AttentionShape(1, without + with, 1, 1, 1, false);
            var qkv = zeros(shape.packedSize());
            for (var i = 0; i < shape.time(); i++) {
                Native.set(qkv, shape.query(0, i, 0), 1);
                Native.set(qkv, shape.key(0, i, 0), i < without ? Float.NEGATIVE_INFINITY : 0);
                Native.set(qkv, shape.value(0, i, 0), i < without ? 9 : i - without);
            }
            for (var rung : Attention.FAMILY.rungs()) {
                var out = zeros(shape.time());
                var lse = zeros(shape.time());
                rung.forward(shape, qkv, out, lse);
                for (var i = 0; i < shape.time(); i++) {
                    assertEquals(with == 0 ? Float.NaN : 1.5f, Native.get(out, i), 1e-6f, rung.name());
                    assertEquals((float) Math.log(with), Native.get(lse, i), 1e-6f, rung.name());
                }
            }
        }
    }

    @Test
    void aQueryWithoutScoresIsNotANumber() {
        var shape = new AttentionShape(1, 70, 1, 1, 1, false);
        var qkv = zeros(shape.packedSize());
        for (var i = 0; i < shape.time(); i++) {
            Native.set(qkv, shape.query(0, i, 0), 1);
            Native.set(qkv, shape.key(0, i, 0), Float.NEGATIVE_INFINITY);
        }
        var all = Stream.concat(Stream.of(Attention.FAMILY.reference()), Attention.FAMILY.rungs().stream());
        all.forEach(rung -> {
            var result = run(rung, shape, qkv);
            Native.assertAll(Float.NaN, result.out, rung.name());
            Native.assertAll(Float.NEGATIVE_INFINITY, result.lse, rung.name());
            Native.assertAll(Float.NaN, result.dQkv, rung.name());
        });
    }

    /** Both masks, several blocks and pieces, the last ones not full. */
    static Stream<AttentionShape> uneven() {
        return Stream.of(37, 70, 300, 1100).flatMap(time -> Stream.of(true, false)
                .map(causal -> new AttentionShape(1, time, 2, 1, 5, causal)));
    }

    private static MemorySegment withInfiniteKeys(AttentionShape shape, IntPredicate infinite) {
        var qkv = normal(shape.packedSize(), 1, 1);
        for (var i = 0; i < shape.time(); i++) {
            Native.set(qkv, shape.query(0, i, 0), 1);
            Native.set(qkv, shape.query(0, i, 1), 1);
            if (infinite.test(i)) {
                Native.set(qkv, shape.key(0, i, 0), Float.NEGATIVE_INFINITY);
            }
        }
        return qkv;
    }

    private static void assertAsTheReference(AttentionShape shape, MemorySegment qkv) {
        var expected = run(REFERENCE, shape, qkv);
        for (var rung : Attention.FAMILY.rungs()) {
            var actual = run(rung, shape, qkv);
            var what = rung.name() + " " + shape;
            Native.assertSameNumbers(expected.out, actual.out, 1e-5, what + " out");
            Native.assertSameNumbers(expected.lse, actual.lse, 1e-5, what + " lse");
            Native.assertSameNumbers(expected.dQkv, actual.dQkv, 1e-5, what + " dQkv");
        }
    }

    /** A key of which no score counts has gradients of 0, its value, too; queries have NaN where it is infinite. */
    @ParameterizedTest
    @MethodSource("uneven")
    void anInfiniteKeyHasTheReferencesGradients(AttentionShape shape) {
        // With a mask those that begin a block: queries before them in it would be multiplied with them, too.
        var qkv = withInfiniteKeys(shape, i -> i % 64 == (shape.causal() ? 0 : 3) && i > 0);
        assertAsTheReference(shape, qkv);
        var gradient = run(REFERENCE, shape, qkv).dQkv;
        for (var i = shape.causal() ? 64 : 3; i < shape.time(); i += 64) {
            for (var d = 0; d < 2 * shape.headSize(); d++) { // the key's and the value's
                assertEquals(0, Native.get(gradient, shape.key(0, i, 0) + d));
            }
            assertTrue(Float.isNaN(Native.get(gradient, shape.query(0, i, 0))));
            assertTrue(Float.isFinite(Native.get(gradient, shape.query(0, i, 0) + 1)));
        }
    }

    /** What queries without scores see is NaN, and what other queries see alone is not. */
    @ParameterizedTest
    @MethodSource("uneven")
    void queriesWithoutScoresReachOnlyWhatTheySee(AttentionShape shape) {
        if (shape.causal()) {
            assertAsTheReference(shape, withInfiniteKeys(shape, i -> i < 20));
        }
        assertAsTheReference(shape, withInfiniteKeys(shape, _ -> true));
    }

    @Test
    void resultsMayBeThoseOfMoreKeys() {
        for (var rung : Attention.FAMILY.rungs()) {
            MoreKeys.assertBlocksAddUp((shape, dOut, qkv, out, lse) -> {
                var dQkv = zeros(shape.packedSize());
                rung.backward(shape, dOut, qkv, out, lse, dQkv);
                return dQkv;
            }, 2e-6);
        }
    }

    @Test
    void sizesAreChecked() {
        var shape = new AttentionShape(1, 4, 2, 1, 8, true);
        for (var rung : Attention.FAMILY.rungs()) {
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forward(shape, zeros(127), zeros(64), zeros(8)));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forward(shape, zeros(128), zeros(64), zeros(9)));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.backward(shape, zeros(64), zeros(128), zeros(64), zeros(8), zeros(64)));
            rung.forward(new AttentionShape(0, 4, 2, 1, 8, true), zeros(0), zeros(0), zeros(0));
        }
        assertThrows(IllegalArgumentException.class, () -> new AttentionShape(1, 4, 3, 2, 8, true));
        assertThrows(IllegalArgumentException.class, () -> new AttentionShape(1, 0, 2, 2, 8, true));
        assertThrows(IllegalArgumentException.class, () -> new AttentionShape(1, 4, 2, 2, 0, true));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void threadsDoNotMatter(int batch) {
        var shape = new AttentionShape(batch, 150, 4, 2, 16, true);
        var qkv = normal(shape.packedSize(), 1, 1);
        Native.assertThreadsDoNotMatter(threads -> Native.array(run(Attention.FAMILY.fastest(), shape, qkv).dQkv));
        Native.assertThreadsDoNotMatter(threads -> Native.array(run(Attention.FAMILY.fastest(), shape, qkv).out));
    }

    @Test
    void threadsDoNotMatterWhereHeadsAreCut() {
        var shape = new AttentionShape(1, 1100, 2, 1, 8, true);
        var qkv = normal(shape.packedSize(), 1, 1);
        Native.assertThreadsDoNotMatter(threads -> Native.array(run(Attention.FAMILY.fastest(), shape, qkv).dQkv));
    }
}
