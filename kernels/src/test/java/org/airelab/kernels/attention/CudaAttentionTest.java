package org.airelab.kernels.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.rotary.Rotary;
import org.airelab.kernels.rotary.RotaryTable;
import org.airelab.kernels.shim.HostLauncher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The portable CUDA rungs, executed on the CPU: right, and free of races and of accesses out of bounds. */
class CudaAttentionTest {
    private static final AttentionShape OPEN = new AttentionShape(1, 70, 2, 1, 32, false);
    private static final AttentionShape CAUSAL = new AttentionShape(1, 130, 2, 1, 32, true);

    /** Both masks, grouped and not, at lengths around the tiles of 16, 32 and 64 and every head size of a rung. */
    static Stream<CudaCase> cases() {
        return CudaCase.all(OPEN).flatMap(rung -> Stream.of(
                lengths(rung).boxed().flatMap(time -> Stream.of(true, false)
                        .map(causal -> new AttentionShape(1, time, 2, 1, 32, causal))),
                headSizes(rung).boxed().flatMap(size -> Stream.of(true, false)
                        .map(causal -> new AttentionShape(2, causal ? 67 : 35, 2, causal ? 2 : 1, size, causal))),
                sections(rung)).flatMap(shapes -> shapes).map(rung::with));
    }

    /** More heads than a section of the rung wgmma has, on few multiprocessors, tiles and orders of both kinds. */
    private static Stream<AttentionShape> sections(CudaCase of) {
        return of.rung().name().equals("wgmma") && of.dtype() == DType.BF16
                ? Stream.of(new AttentionShape(9, 200, 2, 1, 64, true), new AttentionShape(12, 200, 1, 1, 64, true),
                        new AttentionShape(4, 260, 4, 2, 72, true), new AttentionShape(5, 260, 1, 1, 72, true))
                : Stream.empty();
    }

    /** Around the tiles; of the rung with rings of tiles, also some with more tiles than a ring has. */
    private static IntStream lengths(CudaCase of) {
        var around = IntStream.of(1, 2, 31, 33, 63, 65, 130);
        return of.rung().name().equals("wgmma") ? IntStream.concat(around, IntStream.of(257, 390)) : around;
    }

    /** Beside 32: those whose tiles differ, and some that end within a fragment. */
    private static IntStream headSizes(CudaCase of) {
        return switch (of.rung().name()) {
            case "naive" -> IntStream.of(1, 20);
            case "fused" -> of.dtype() == DType.FP16 ? IntStream.of(20) : IntStream.of(1, 20, 64, 128, 256);
            case "wgmma" -> of.dtype() == DType.FP16 ? IntStream.of(24, 64) : IntStream.of(8, 64, 72, 128, 192, 256);
            default -> of.dtype() == DType.FP16 ? IntStream.of(24, 64) : IntStream.of(8, 24, 64, 128, 256);
        };
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyRungAgreesWithTheReference(CudaCase of) {
        var qkv = of.qkv();
        of.assertClose(qkv, of.run(qkv, of.shape().time()));
    }

    /** In one element type: another changes the conversions alone. */
    static Stream<CudaCase> open() {
        return CudaCase.all(OPEN).filter(of -> of.dtype() == DType.BF16);
    }

    static Stream<CudaCase> causal() {
        return open().map(of -> of.with(CAUSAL));
    }

    @ParameterizedTest
    @MethodSource("causal")
    void theScheduleChangesNoBit(CudaCase of) {
        var qkv = of.qkv();
        var expected = of.run(qkv, 1);
        for (var seed = 2; seed < 5; seed++) {
            var actual = of.run(qkv, seed);
            assertEquals(-1, expected.out().mismatch(actual.out()));
            assertEquals(-1, expected.lse().mismatch(actual.lse()));
            assertEquals(-1, expected.dQkv().mismatch(actual.dQkv()));
        }
    }

    @ParameterizedTest
    @MethodSource("causal")
    void futurePositionsChangeNothing(CudaCase of) {
        for (var cut : new int[] {1, 64, 97}) {
            var qkv = of.qkv();
            var before = of.run(qkv, 1).out();
            var future = qkv.asSlice(4 * CAUSAL.query(0, cut, 0));
            future.copyFrom(Native.normal(future.byteSize() / 4, 9, 3));
            var past = 4 * CAUSAL.out(0, cut, 0);
            assertEquals(-1, before.asSlice(0, past).mismatch(of.run(qkv, 1).out().asSlice(0, past)), "cut at " + cut);
        }
    }

    @ParameterizedTest
    @MethodSource("open")
    void theOrderOfKeysDoesNotMatterWithoutMask(CudaCase of) {
        var qkv = of.qkv();
        var reversed = Native.copy(qkv);
        for (var i = 0; i < OPEN.time(); i++) {
            var keyAndValue = 4L * 2 * OPEN.headSize();
            var to = 4 * OPEN.key(0, OPEN.time() - 1 - i, 0);
            MemorySegment.copy(qkv, 4 * OPEN.key(0, i, 0), reversed, to, keyAndValue);
        }
        assertTrue(Native.error(of.run(qkv, 1).out(), of.run(reversed, 1).out()) < 2 * of.unit() + 1e-6);
    }

    @ParameterizedTest
    @MethodSource("causal")
    void probabilitiesOfARowSumToOne(CudaCase of) {
        var qkv = of.qkv();
        for (var i = 0; i < CAUSAL.time(); i++) {
            for (var d = 0; d < CAUSAL.headSize(); d++) {
                Native.set(qkv, CAUSAL.value(0, i, 0) + d, 1);
            }
        }
        for (var value : Native.array(of.run(qkv, 1).out())) {
            assertEquals(1, value, 2 * of.unit() + 1e-6);
        }
    }

    @ParameterizedTest
    @MethodSource("causal")
    void nanReachesEveryQueryThatSeesIt(CudaCase of) {
        // Within a tile of keys a rung may spread the NaN of a value to queries before it.
        var tile = of.rung().name().equals("wgmma") ? 128 : 64;
        for (var position : new int[] {100, 129}) {
            for (var bad : new long[] {CAUSAL.key(0, position, 0) + 3, CAUSAL.value(0, position, 0) + 3}) {
                var qkv = of.qkv();
                Native.set(qkv, bad, Float.NaN);
                var out = of.run(qkv, 1).out();
                for (var i = 0; i < CAUSAL.time(); i++) {
                    var value = Native.get(out, CAUSAL.out(0, i, 1) + 3);
                    assertTrue(i < position / tile * tile ? Float.isFinite(value) : i < position || Float.isNaN(value),
                            of + ": " + i + " " + value);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("open")
    void minusInfinityScoresCountForNothing(CudaCase of) {
        var qkv = Native.zeros(OPEN.packedSize());
        for (var i = 0; i < OPEN.time(); i++) {
            Native.set(qkv, OPEN.query(0, i, 0), 1);
            // The first tile of keys holds nothing else.
            Native.set(qkv, OPEN.key(0, i, 0), i < 66 ? Float.NEGATIVE_INFINITY : 0);
            Native.set(qkv, OPEN.value(0, i, 0), i < 66 ? 9 : i - 66);
        }
        var out = of.run(qkv, 1).out();
        for (var i = 0; i < OPEN.time(); i++) {
            assertEquals(1.5, Native.get(out, OPEN.out(0, i, 0)), 1e-6);
        }
    }

    /** Also beside queries past the end, which are 0 in a tile. */
    @ParameterizedTest
    @MethodSource("open")
    void anInfiniteKeyHasTheReferencesGradients(CudaCase of) {
        // With a mask one that begins a tile: queries before it in that would be multiplied with it, too.
        for (var here : List.of(of.with(CAUSAL), of)) {
            var shape = here.shape();
            var qkv = here.qkv();
            for (var i = 0; i < shape.time(); i++) {
                Native.set(qkv, shape.query(0, i, 0), 1);
                Native.set(qkv, shape.query(0, i, 1), 1);
            }
            for (var i : shape.causal() ? new int[] {128} : new int[] {5, 69}) {
                Native.set(qkv, shape.key(0, i, 0), Float.NEGATIVE_INFINITY);
            }
            here.assertSameNumbers(qkv);
        }
    }

    @ParameterizedTest
    @MethodSource("open")
    void aQueryWithoutScoresIsNotANumber(CudaCase of) {
        var qkv = Native.zeros(OPEN.packedSize());
        for (var i = 0; i < OPEN.time(); i++) {
            Native.set(qkv, OPEN.query(0, i, 0), 1);
            Native.set(qkv, OPEN.query(0, i, 1), 1);
            Native.set(qkv, OPEN.key(0, i, 0), Float.NEGATIVE_INFINITY);
        }
        var result = of.run(qkv, 1);
        Native.assertAll(Float.NaN, result.out(), of.toString());
        Native.assertAll(Float.NEGATIVE_INFINITY, result.lse(), of.toString());
        Native.assertAll(Float.NaN, result.dQkv(), of.toString());
    }

    @ParameterizedTest
    @MethodSource("open")
    void keysPastTheEndCountForNothing(CudaCase of) {
        // Scores of -159: a key that were taken for 0 there would be e^159 times as likely as all of them.
        var qkv = of.qkv();
        for (var i = 0; i < OPEN.time(); i++) {
            Native.set(qkv, OPEN.query(0, i, 0), 30);
            Native.set(qkv, OPEN.key(0, i, 0), -30);
        }
        var result = of.run(qkv, 1);
        for (var value : Native.array(result.dQkv())) {
            assertTrue(Float.isFinite(value), of.toString());
        }
    }

    @ParameterizedTest
    @MethodSource("open")
    void resultsMayBeThoseOfMoreKeys(CudaCase of) {
        MoreKeys.assertBlocksAddUp((shape, dOut, qkv, out, lse) -> {
            try (var host = new HostLauncher(1)) {
                var dQkv = host.allocate(of.dtype().bytes() * shape.packedSize());
                of.rung().on(host, of.dtype()).backward(shape, host.copy(Native.encode(dOut, of.dtype())),
                        host.copy(Native.encode(qkv, of.dtype())), host.copy(Native.encode(out, of.dtype())),
                        host.copy(lse), dQkv);
                host.synchronize();
                return Native.decode(dQkv, of.dtype());
            }
        }, 6 * of.unit());
    }

    /**
     * Rotated queries and keys: gradients of the rows before are those that the backward pass gives, turned back, but
     * rounded once. All rungs but wgmma, and that one for other heads, leave it to the caller.
     */
    @ParameterizedTest
    @CsvSource({"16, HALF_SPLIT", "64, HALF_SPLIT", "8, INTERLEAVED", "64, INTERLEAVED", "24, HALF_SPLIT",
        "72, INTERLEAVED"})
    void gradientsAreTurnedBack(int headSize, RotaryTable.Pairing pairing) {
        for (var time : new int[] {1, 67, 130}) {
            var shape = new AttentionShape(2, time, 2, 1, headSize, time != 67);
            var table = new RotaryTable(time + 3, headSize, 10, pairing);
            CudaCase.all(shape).forEach(of -> {
                var turns = of.rung().name().equals("wgmma") && headSize <= 64 && headSize != 24;
                var afterwards = of.runOfRotated(of.qkv(), table, false);
                Rotary.FAMILY.reference().rotate(table, afterwards, afterwards, 2 * time, time, 3, 4, true);
                var actual = of.runOfRotated(of.qkv(), table, turns);
                if (!turns) {
                    Rotary.FAMILY.reference().rotate(table, actual, actual, 2 * time, time, 3, 4, true);
                }
                assertTrue(Native.error(afterwards, actual) <= 2 * of.unit(), of + " " + pairing + ": "
                        + Native.error(afterwards, actual));
            });
        }
    }

    @Test
    void anglesAreOfTheShape() {
        var shape = new AttentionShape(1, 4, 1, 1, 16, true);
        try (var host = new HostLauncher(1)) {
            var attention = Attention.FAMILY.cudaRungs().getLast().on(host, DType.BF16);
            for (var table : List.of(new RotaryTable(3, 16, 10, RotaryTable.Pairing.HALF_SPLIT),
                    new RotaryTable(4, 8, 10, RotaryTable.Pairing.HALF_SPLIT))) {
                assertThrows(IllegalArgumentException.class, () -> attention.backwardOfRotated(shape, table,
                        host.allocate(2 * 64), host.allocate(2 * 192), host.allocate(2 * 64), host.allocate(16),
                        host.allocate(2 * 192)));
            }
        }
    }

    @Test
    void headSizesThatDoNotFitAreRefused() {
        CudaCase.all(OPEN).forEach(of -> {
            try (var host = new HostLauncher(1)) {
                for (var size : new int[] {12, 264}) {
                    var shape = new AttentionShape(0, 4, 2, 1, size, true);
                    var attention = of.rung().on(host, of.dtype());
                    var nothing = host.allocate(0);
                    if (of.rung().name().equals("naive") || of.rung().name().equals("fused") && size == 12) {
                        attention.forward(shape, nothing, nothing, nothing);
                        attention.backward(shape, nothing, nothing, nothing, nothing, nothing);
                    } else {
                        assertThrows(IllegalArgumentException.class,
                                () -> attention.forward(shape, nothing, nothing, nothing));
                        assertThrows(IllegalArgumentException.class,
                                () -> attention.backward(shape, nothing, nothing, nothing, nothing, nothing));
                    }
                }
            }
        });
    }

    @Test
    void elementsAreOfTheRungsType() {
        var shape = new AttentionShape(1, 2, 1, 1, 8, true);
        try (var host = new HostLauncher(1)) {
            var half = Attention.FAMILY.cudaRungs().getLast().on(host, DType.BF16);
            var refused = assertThrows(IllegalArgumentException.class,
                    () -> half.forward(shape, host.allocate(4 * 48), host.allocate(4 * 16), host.allocate(8)));
            assertTrue(refused.getMessage().contains("expected qkv of 48 bf16 values"), refused.getMessage());
        }
    }
}
