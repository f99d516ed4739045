package org.airelab.kernels.matmul;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.LaunchRecorder;
import org.airelab.kernels.matmul.MatmulShape.Epilogue;
import org.airelab.kernels.shim.HostLauncher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * The portable CUDA rungs on the CPU, Hopper's instructions emulated: every element type, all transpositions, sizes
 * around those of the tiles.
 */
class CudaMatmulTest {
    /** m, n, k: one, primes, a tile and one more or less, rows that are aligned to 16 bytes and rows that are not. */
    private static final int[][] SIZES = {{1, 1, 1}, {2, 3, 131}, {63, 65, 17}, {64, 64, 32}, {65, 33, 31},
            {40, 72, 48}, {67, 132, 64}, {1, 300, 20}, {190, 2, 24}};
    /** Enough for the tiles of the largest size on the shim's four multiprocessors, in both kinds of ladder. */
    private static final int[] LARGE = {200, 300, 40};
    private static final List<CudaRung<Matmul>> RUNGS =
            CudaMatmuls.rungs().stream().filter(CudaRung::portable).toList();
    private static final List<Tile> TILES = WgmmaSchedule.TILES;

    private static void check(MatmulShape shape, DType dtype, long seed) {
        check(RUNGS, shape, dtype, seed);
    }

    private static void check(List<CudaRung<Matmul>> rungs, MatmulShape shape, DType dtype, long seed) {
        var problem = MatmulProblem.of(shape, dtype);
        var expected = problem.float64();
        var limit = problem.limit(expected);
        for (var rung : rungs) {
            if (rung.dtypes().contains(dtype)) {
                var error = MatmulProblem.error(expected, problem.run(rung, seed));
                assertTrue(error <= limit, () -> rung.name() + " in " + dtype + ", " + shape
                        + ": expected an error of at most " + limit + ", found " + error);
            }
        }
    }

    /** One of the transpositions, with an epilogue; what is added varies with the seed. */
    private static MatmulShape shape(int[] size, int transposition, int seed) {
        var beta = seed % 2 == 0 ? 0 : -1.5f;
        var epilogue = Epilogue.values()[transposition % 3];
        return new MatmulShape(size[0], size[1], size[2], transposition / 2 == 1, transposition % 2 == 1,
                seed % 3 == 0 ? 1 : 0.5f, beta, seed % 4 < 2, epilogue);
    }

    private static void checkAll(DType dtype) {
        for (var transposition = 0; transposition < 4; transposition++) {
            for (var s = 0; s < SIZES.length; s++) {
                check(shape(SIZES[s], transposition, s + transposition), dtype, s);
            }
        }
    }

    @Test
    void float32() {
        checkAll(DType.FP32);
    }

    @Test
    void float16() {
        checkAll(DType.FP16);
    }

    @Test
    void bfloat16() {
        checkAll(DType.BF16);
    }

    @Test
    void largeTiles() {
        check(shape(LARGE, 0, 1), DType.FP32, 1);
        check(shape(LARGE, 3, 2), DType.FP32, 2);
        check(shape(new int[] {201, 303, 41}, 1, 1), DType.FP32, 3);
        check(shape(new int[] {201, 303, 41}, 2, 2), DType.FP32, 4);
        check(shape(LARGE, 1, 3), DType.BF16, 3);
        check(shape(LARGE, 2, 4), DType.BF16, 4);
    }

    /** No multiples of tiles, more tiles than multiprocessors, depths past the ring of stages. */
    @Test
    void hopper() {
        for (var transposition = 0; transposition < 4; transposition++) {
            check(shape(new int[] {136, 264, 328}, transposition, transposition), DType.BF16, transposition);
            check(shape(new int[] {8, 16, 8}, transposition, 1), DType.FP16, transposition);
        }
        check(shape(new int[] {296, 520, 72}, 1, 5), DType.FP16, 5);
    }

    /** Where C's rows are no multiples of 16 bytes, and so it has no tensor map, and where tiles of C are sliced. */
    @Test
    void hoppersOtherEndings() {
        check(shape(new int[] {136, 41, 72}, 1, 1), DType.BF16, 1);
        check(shape(new int[] {136, 41, 2008}, 1, 2), DType.BF16, 2);
        check(shape(new int[] {24, 520, 1928}, 0, 3), DType.FP16, 3);
    }

    /** Operands laid out in all ways, and more tiles than there are blocks. */
    @ParameterizedTest
    @FieldSource("TILES")
    void hoppersTiles(Tile tile) {
        var i = TILES.indexOf(tile);
        var rung = List.of(MatmulProblem.wgmma(tile));
        check(rung, shape(new int[] {296, 328, 264}, i % 4, i), DType.BF16, i);
        check(rung, shape(new int[] {8, 520, 328}, (i + 3) % 4, i + 1), DType.BF16, i);
    }

    /** The same where C has no tensor map, and where another kernel adds slices. */
    @ParameterizedTest
    @FieldSource("TILES")
    void hoppersTilesOtherEndings(Tile tile) {
        var rung = List.of(MatmulProblem.wgmma(tile));
        check(rung, shape(new int[] {136, 201, 264}, 1, 5), DType.FP16, 5);
        var sliced = shape(new int[] {24, 2 * tile.n() - 23, 3336}, 1, 6);
        try (var host = new HostLauncher(0)) {
            var schedule = WgmmaSchedule.of(List.of(tile), sliced, host.multiprocessors());
            assertTrue(schedule.slices() > 1, schedule::toString);
        }
        check(rung, sliced, DType.FP16, 6);
    }

    @Test
    void schedulesDoNotMatter() {
        for (var rung : RUNGS) {
            for (var dtype : rung.dtypes()) {
                var problem = MatmulProblem.of(shape(new int[] {65, 33, 70}, 0, 3), dtype);
                var expected = Native.array(problem.run(rung, 100));
                for (var seed = 101; seed < 104; seed++) {
                    assertArrayEquals(expected, Native.array(problem.run(rung, seed)));
                }
            }
        }
    }

    @Test
    void nanAndInfinityGoWhereTheyBelong() {
        for (var rung : RUNGS) {
            for (var dtype : rung.dtypes()) {
                var problem = MatmulProblem.of(MatmulShape.of(35, 37, 19), dtype);
                dtype.set(problem.a(), 20 * 19 + 18, Float.NaN);
                dtype.set(problem.b(), 3 * 37 + 36, Float.POSITIVE_INFINITY);
                var c = problem.run(rung, 5);
                for (var i = 0; i < 35; i++) {
                    for (var j = 0; j < 37; j++) {
                        var value = Native.get(c, i * 37 + j);
                        var what = rung.name() + " in " + dtype + " [" + i + ", " + j + "]: " + value;
                        assertEquals(i == 20, Float.isNaN(value), what);
                        assertEquals(i != 20 && j == 36, Float.isInfinite(value), what);
                    }
                }
            }
        }
    }

    @Test
    void argumentsAreChecked() {
        try (var host = new HostLauncher(1)) {
            for (var rung : CudaMatmuls.rungs()) {
                var dtype = rung.dtypes().iterator().next();
                var matmul = rung.on(host, dtype);
                var good = host.copy(Native.encode(Native.zeros(6), dtype));
                var bad = host.copy(Native.encode(Native.zeros(7), dtype));
                var shape = MatmulShape.of(3, 2, 2);
                var b = host.copy(Native.encode(Native.zeros(4), dtype));
                assertThrows(IllegalArgumentException.class, () -> matmul.multiply(shape, bad, b, null, good));
                assertThrows(IllegalArgumentException.class, () -> matmul.multiply(shape, good, bad, null, good));
                assertThrows(IllegalArgumentException.class, () -> matmul.multiply(shape, good, b, null, bad));
                assertThrows(IllegalArgumentException.class, () -> matmul.multiply(shape, good, b, b, good));
            }
        }
    }

    private static List<String> launched(int architecture, MatmulShape shape, DType dtype, CudaRung<Matmul> rung,
            long misalignment) {
        var device = new LaunchRecorder(architecture, 132);
        var memory = device.temporary(1 << 24).asSlice(misalignment);
        rung.on(device, dtype).multiply(shape, memory.asSlice(0, (long) dtype.bytes() * shape.m() * shape.k()),
                memory.asSlice(0, (long) dtype.bytes() * shape.k() * shape.n()), null,
                memory.asSlice(0, (long) dtype.bytes() * shape.m() * shape.n()));
        return device.sources().stream().map(KernelSource::toString).toList();
    }

    @Test
    void hopperTakesWhatTensorMapsDescribe() {
        var rung = CudaMatmuls.rungs().getLast();
        assertEquals("wgmma", rung.name());
        var fits = MatmulShape.of(33, 40, 48);
        assertTrue(launched(90, fits, DType.BF16, rung, 0).getFirst().startsWith("matmul/wgmma.cu"));
        assertTrue(launched(90, fits, DType.BF16, rung, 2).getFirst().startsWith("matmul/mma.cu"), "memory");
        assertTrue(launched(100, fits, DType.BF16, rung, 0).getFirst().startsWith("matmul/mma.cu"), "Blackwell");
        var odd = MatmulShape.of(33, 41, 48);
        assertTrue(launched(90, odd, DType.FP16, rung, 0).getFirst().startsWith("matmul/mma.cu"), "rows of B");
        var oddButInner = MatmulShape.of(33, 41, 48).transposed(false, true);
        assertTrue(launched(90, oddButInner, DType.FP16, rung, 0).getFirst().startsWith("matmul/wgmma.cu"));
        assertTrue(launched(90, fits.transposed(true, false), DType.FP16, rung, 0).getFirst()
                .startsWith("matmul/mma.cu"), "rows of A");
    }

    @Test
    void sourcesAreSpecializedForTheAlignmentOfTheOperands() {
        var rung = CudaMatmuls.rungs().stream().filter(r -> r.name().equals("prefetched")).findFirst().orElseThrow();
        assertAligned(rung, MatmulShape.of(33, 40, 48), 0, 1, 1);
        assertAligned(rung, MatmulShape.of(33, 40, 48), 4, 0, 0);
        assertAligned(rung, MatmulShape.of(33, 40, 46), 0, 0, 1);
        assertAligned(rung, MatmulShape.of(33, 41, 48), 0, 1, 0);
        assertAligned(rung, MatmulShape.of(33, 41, 48).transposed(true, true), 0, 0, 1);
    }

    private static void assertAligned(CudaRung<Matmul> rung, MatmulShape shape, long shift, int a, int b) {
        var source = launched(80, shape, DType.FP32, rung, shift).getFirst();
        assertTrue(source.contains("-DA_ALIGNED=" + a + " -DB_ALIGNED=" + b), source);
    }

    @Test
    void tilesSuitTheShape() {
        var mma = CudaMatmuls.rungs().get(CudaMatmuls.rungs().size() - 2);
        assertTile(mma, MatmulShape.of(1024, 4096, 8), 128, 256);
        assertTile(mma, MatmulShape.of(1, 4096, 8), 16, 128);
        assertTile(mma, MatmulShape.of(65_536, 24, 8), 128, 32);
        assertTile(mma, MatmulShape.of(1024, 1024, 8), 64, 64);
    }

    private static void assertTile(CudaRung<Matmul> rung, MatmulShape shape, int m, int n) {
        var source = launched(80, shape, DType.FP16, rung, 0).getFirst();
        assertTrue(source.contains("-DBM=" + m + " -DBN=" + n + " "), source);
    }
}
