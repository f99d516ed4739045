package org.airelab.kernels.embedding;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.longs;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.KernelFault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The CUDA ladder of {@link Embedding}, executed on the CPU. */
class CudaEmbeddingTest {
    private static final String UNWRITTEN = "nothing has been written there";
    private static final CudaRung<Embedding> NAIVE = Embedding.FAMILY.cudaRungs().getFirst();

    private record Inputs(MemorySegment table, MemorySegment ids, MemorySegment rows, int count, int vocabulary,
            int width) {
        /** Numbers that the type represents. */
        static Inputs of(long[] ids, int vocabulary, int width, DType dtype) {
            return new Inputs(decode(encode(normal((long) vocabulary * width, 1, 1), dtype), dtype), longs(ids),
                    decode(encode(normal((long) ids.length * width, 2, 1), dtype), dtype), ids.length, vocabulary,
                    width);
        }
    }

    /** Ids of which the first of the vocabulary are by far the most frequent, as words are. */
    private static long[] ids(int count, int vocabulary) {
        var random = new SplittableRandom(3);
        return LongStream.generate(() -> (long) (vocabulary * Math.pow(random.nextDouble(), 3))).limit(count).toArray();
    }

    /** What was gathered, and the table after the rows were added. */
    private record Result(MemorySegment gathered, MemorySegment table) {}

    private static Result reference(Inputs in) {
        var result = new Result(zeros((long) in.count * in.width), Native.copy(in.table));
        var embedding = Embedding.FAMILY.reference();
        embedding.gather(in.table, in.ids, result.gathered, in.count, in.vocabulary, in.width);
        embedding.scatterAdd(in.rows, in.ids, result.table, in.count, in.vocabulary, in.width);
        return result;
    }

    private static Result run(HostLauncher host, CudaRung<Embedding> rung, DType dtype, Inputs in) {
        return run(host, rung, dtype, in, 0);
    }

    /** Runs both operations, the table and the rows beginning {@code shift} elements after a multiple of 256 bytes. */
    private static Result run(HostLauncher host, CudaRung<Embedding> rung, DType dtype, Inputs in, int shift) {
        var embedding = rung.on(host, dtype);
        var bytes = (long) dtype.bytes() * shift;
        var table = host.copy(encode(in.table, dtype), bytes);
        var rows = host.copy(encode(in.rows, dtype), bytes);
        var ids = host.copy(in.ids);
        var gathered = host.allocate(rows.byteSize(), bytes);
        embedding.gather(table, ids, gathered, in.count, in.vocabulary, in.width);
        embedding.scatterAdd(rows, ids, table, in.count, in.vocabulary, in.width);
        return new Result(decode(gathered, dtype), decode(table, dtype));
    }

    private static void assertAgrees(Inputs in, DType dtype, String what) {
        var expected = reference(in);
        try (var host = new HostLauncher(in.width)) {
            var plain = run(host, NAIVE, dtype, in);
            for (var rung : Embedding.FAMILY.cudaRungs()) {
                var actual = run(host, rung, dtype, in);
                assertEquals(-1, actual.gathered.mismatch(expected.gathered), rung.name() + " " + what);
                assertAsGoodAsPlain(expected.table, plain.table, actual.table, dtype, rung.name() + " " + what);
            }
        }
    }

    /** More than 1024 ids are sorted in tiles and merged; 2070 columns are more than a block of 256 threads takes. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "2, 1, 8", "31, 3, 5", "33, 5, 17", "64, 200, 16", "257, 40, 9", "600, 3, 3", "1030, 90, 2",
        "3, 2, 2070"})
    void everyRungAgreesWithTheReference(int count, int vocabulary, int width) {
        for (var dtype : DType.values()) {
            var in = Inputs.of(ids(count, vocabulary), vocabulary, width, dtype);
            assertAgrees(in, dtype, dtype + " " + count + " of " + vocabulary + "x" + width);
        }
    }

    /** One merge of 2 to 32 runs, with the last one shorter, and 33 runs, which take two. */
    @ParameterizedTest
    @ValueSource(ints = {2048, 2500, 4097, 9000, 16_500, 32_800})
    void anyNumberOfIdsIsSorted(int count) {
        var in = Inputs.of(ids(count, 700), 700, 1, DType.FP32);
        try (var host = new HostLauncher(count)) {
            var actual = run(host, Embedding.FAMILY.cudaRungs().getLast(), DType.FP32, in);
            assertTrue(Native.error(reference(in).table, actual.table) < 1e-6);
        }
    }

    /** Sums that end where a block does, that fill blocks, and that begin and end in the midst of one. */
    @Test
    void sumsOfAnyLengthMeetAtTheBordersOfBlocks() {
        for (var lengths : new int[][] {{32, 32}, {31, 1, 32}, {64, 1}, {1, 64}, {33, 31, 5}, {20, 100, 8}, {97},
            {5, 27, 64, 40, 1}, {130, 130}}) {
            var ids = LongStream.range(0, lengths.length)
                    .flatMap(id -> LongStream.generate(() -> 2 * id).limit(lengths[(int) id])).toArray();
            for (var order = 0; order < 2; order++) {
                assertAgrees(Inputs.of(ids, 2 * lengths.length, 7, DType.FP32), DType.FP32, lengths.length + " sums");
                shuffle(ids);
            }
        }
    }

    private static void shuffle(long[] ids) {
        var random = new SplittableRandom(5);
        for (var i = ids.length - 1; i > 0; i--) {
            var j = random.nextInt(i + 1);
            var id = ids[i];
            ids[i] = ids[j];
            ids[j] = id;
        }
    }

    @ParameterizedTest
    @EnumSource
    void rowsMayBeginAnywhereAndSchedulesDoNotMatter(DType dtype) {
        var in = Inputs.of(ids(300, 20), 20, 24, dtype);
        for (var rung : Embedding.FAMILY.cudaRungs()) {
            for (var shift : new int[] {0, 1, 4}) {
                Result first = null;
                for (var seed = 0; seed < 3; seed++) {
                    try (var host = new HostLauncher(seed)) {
                        var result = run(host, rung, dtype, in, shift);
                        first = first == null ? result : first;
                        assertEquals(-1, first.gathered.mismatch(result.gathered), rung.name());
                        assertEquals(-1, first.table.mismatch(result.table), rung.name());
                    }
                }
                assertTrue(Native.error(reference(in).table, first.table) < 0x1p-8, rung.name() + " " + shift);
            }
        }
    }

    /** 300 ones, of which a bfloat16 that is rounded each time would not see the last 44. */
    @Test
    void sumsAreRoundedOnce() {
        var in = new Inputs(zeros(8), longs(new long[300]), constant(300 * 8, 1), 300, 1, 8);
        for (var rung : Embedding.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                assertEquals(-1, constant(8, 300).mismatch(run(host, rung, DType.BF16, in).table), rung.name());
            }
        }
    }

    private static MemorySegment constant(int count, float value) {
        var values = zeros(count);
        for (var i = 0; i < count; i++) {
            Native.set(values, i, value);
        }
        return values;
    }

    /** What an id outside of the table would point at is not touched: that would be a fault. */
    @ParameterizedTest
    @EnumSource
    void idsOutsideOfTheTableGatherNanAndAddNothing(DType dtype) {
        var ids = ids(100, 10);
        var known = ids.clone();
        var rows = Inputs.of(ids, 10, 12, dtype).rows;
        for (var i = 0; i < 100; i++) {
            if (i % 3 == 0) {
                ids[i] = new long[] {10, -1, 1L << 32, Long.MIN_VALUE, Integer.MAX_VALUE}[i % 5];
                rows.asSlice(4L * 12 * i, 4 * 12).fill((byte) 0); // so that the reference adds nothing, either
            }
        }
        var table = Inputs.of(ids, 10, 12, dtype).table;
        var expected = reference(new Inputs(table, longs(known), rows, 100, 10, 12));
        var withNan = Native.copy(rows);
        for (var i = 0; i < 100; i += 3) {
            withNan.asSlice(4L * 12 * i, 4 * 12).fill((byte) 0xff);
        }
        for (var rung : Embedding.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = run(host, rung, dtype, new Inputs(table, longs(ids), withNan, 100, 10, 12));
                for (var i = 0; i < 100 * 12; i++) {
                    var value = Native.get(actual.gathered, i);
                    assertTrue(i / 12 % 3 == 0 ? Float.isNaN(value) : value == Native.get(expected.gathered, i));
                }
                assertTrue(Native.error(expected.table, actual.table) < 0x1p-8, rung.name());
            }
        }
    }

    @Test
    void nonFiniteValuesReachTheirOwnRowsAlone() {
        var in = Inputs.of(ids(90, 6), 6, 10, DType.FP32);
        Native.set(in.rows, 3, Float.NaN);
        Native.set(in.rows, 445, Float.POSITIVE_INFINITY);
        Native.set(in.table, 59, Float.NEGATIVE_INFINITY);
        var expected = reference(in);
        for (var rung : Embedding.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = run(host, rung, DType.FP32, in);
                assertEquals(-1, actual.gathered.mismatch(expected.gathered));
                for (var i = 0; i < 60; i++) {
                    assertEquals(Native.get(expected.table, i), Native.get(actual.table, i), 1e-4, rung.name());
                }
            }
        }
    }

    @Test
    void noIdsLaunchNothing() {
        for (var rung : Embedding.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var embedding = rung.on(host, DType.BF16);
                embedding.gather(zeros(2), longs(), zeros(0), 0, 1, 4);
                embedding.scatterAdd(zeros(0), longs(), zeros(2), 0, 1, 4);
                assertThrows(IllegalArgumentException.class,
                        () -> embedding.gather(zeros(4), longs(0), zeros(2), 1, 1, 4));
                assertThrows(IllegalArgumentException.class,
                        () -> embedding.scatterAdd(zeros(2), longs(0, 0), zeros(2), 1, 1, 4));
            }
        }
    }

    private static Inputs forMutants(int count, int width) {
        return Inputs.of(ids(count, 9), 9, width, DType.FP32);
    }

    private static void assertFaults(int rung, String original, String replacement, String expected) {
        // The sorted rung merges from 1025 ids on; the naive one looks at all ids for each.
        var in = forMutants(rung == 0 ? 300 : 2500, 13);
        for (var seed = 0; seed < 3; seed++) {
            try (var host = new HostLauncher(seed).withMutation(original, replacement)) {
                var fault = assertThrows(KernelFault.class,
                        () -> run(host, Embedding.FAMILY.cudaRungs().get(rung), DType.FP32, in));
                assertTrue(fault.getMessage().contains(expected), fault.getMessage());
            }
        }
    }

    @Test
    void aBugInAKernelIsFound() {
        assertFaults(0, "    if (at >= elements) return;\n", "", "out of bounds");
        assertFaults(0, "i < place; i++", "i < place - 1; i++", "a race");
        assertFaults(0, "for (int i = place; i < count; i++)", "for (int i = place; i <= count; i++)", "reads 8 bytes");
        assertFaults(1, "    __syncthreads();\n    unsigned long long key", "    unsigned long long key",
                "static shared memory");
        assertFaults(1, "    if (i < count) keys[start", "    keys[start", "a race");
        assertFaults(1, "<= run && at < count", "<= run", UNWRITTEN);
        assertFaults(1, "smaller[w] + step <= run && ", "", "embedding_merge");
        assertFaults(1, "other[w] < key", "other[w] <= key", "embedding_merge");
        assertFaults(1, "    __syncthreads();\n    int at", "    int at", "static shared memory");
        assertFaults(1, "if (id == before || id == after)", "if (id == before)", UNWRITTEN);
        assertFaults(1, "if (i < places && id_of", "if (i <= places && id_of", UNWRITTEN);
        assertFaults(1, "j < min(CHUNK, width - at)", "j < CHUNK", "a race");
        assertFaults(1, " || (begin > 0 && id_of(keys[begin - 1]) == id)", "", UNWRITTEN);
    }

    /** Such a bug reads and writes nothing it must not: the numbers show it. */
    private static void assertWrong(String original, String replacement) {
        var in = forMutants(700, 16);
        var expected = reference(in);
        try (var host = new HostLauncher(1).withMutation(original, replacement)) {
            var actual = run(host, Embedding.FAMILY.cudaRungs().getLast(), DType.FP32, in);
            assertTrue(Native.error(expected.table, actual.table) > 1e-3, replacement);
        }
    }

    @Test
    void aWrongNumberIsSeen() {
        assertWrong("min(first + h, places)", "min(first, places)");
        assertWrong("            for (int j = 0; j < CHUNK; j++) sum[j] = 0.0f;", "");
        assertWrong("next < count && id_of(keys[next]) == id", "next < begin + 2 * EACH && id_of(keys[next]) == id");
        assertWrong("place_of(key[i]) * width", "(first + h) * width");
        assertWrong("add(sum, old[h]);", "");
    }
}
