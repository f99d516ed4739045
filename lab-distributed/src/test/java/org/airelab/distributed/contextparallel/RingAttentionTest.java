package org.airelab.distributed.contextparallel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.CountingGroup;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.nn.ContextDivision;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Ring attention of ranks that are threads against float64 attention of whole sequences. */
class RingAttentionTest {
    private static final Attention KERNEL = Attention.FAMILY.fastest();

    /** What both passes write, of whole sequences. */
    private record Result(float[] out, float[] logSums, float[] gradient) {
        Result(AttentionShape shape) {
            this(new float[(int) shape.outSize()], new float[(int) shape.lseSize()],
                    new float[(int) shape.packedSize()]);
        }
    }

    /** Where arrays of whole sequences and of a rank's tokens meet. */
    private record Share(ContextDivision division, AttentionShape whole) {
        AttentionShape shape() {
            return new AttentionShape(whole.batch(), whole.time() / division.ranks(), whole.heads(), whole.kvHeads(),
                    whole.headSize(), true);
        }

        /** Row-major [batch, time, width] to the rank's rows, or from them; with heads first [lines, time, 1]. */
        void copy(float[] all, float[] mine, int width, boolean back) {
            int[] positions = division.positions(shape().time());
            for (int row = 0; row < mine.length / width; row++) {
                int sequence = row / positions.length;
                int from = (sequence * whole.time() + positions[row % positions.length]) * width;
                if (back) {
                    System.arraycopy(mine, row * width, all, from, width);
                } else {
                    System.arraycopy(all, from, mine, row * width, width);
                }
            }
        }

        float[] of(float[] all, int width) {
            float[] mine = new float[all.length / division.ranks()];
            copy(all, mine, width, false);
            return mine;
        }
    }

    static Stream<AttentionShape> shapes() {
        return Stream.of(new AttentionShape(1, 4, 1, 1, 1, true), new AttentionShape(2, 12, 4, 2, 5, true),
                new AttentionShape(2, 60, 3, 1, 16, true), new AttentionShape(1, 280, 2, 2, 33, true));
    }

    private static float[] normal(long count, long seed, double deviation) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[(int) count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return values;
    }

    private static float[] gradient(AttentionShape shape) {
        return normal(shape.outSize(), 2, 1);
    }

    /** The kernel over sequences that are whole; dOut and qkv in a type are rounded to it first. */
    private static Result whole(Attention kernel, ScalarType type, AttentionShape shape, float[] qkv) {
        return run(kernel, type, shape, qkv, gradient(shape));
    }

    private static Result run(Attention kernel, ScalarType type, AttentionShape shape, float[] qkv, float[] dOut) {
        try (Arena arena = Arena.ofShared(); NDManager scope = NDManager.newBaseManager(Device.cpu())) {
            MemorySegment rows = memory(scope, type, qkv);
            MemorySegment out = arena.allocate(type.bytes() * shape.outSize(), 64);
            MemorySegment logSums = arena.allocate(4 * shape.lseSize(), 64);
            MemorySegment dRows = arena.allocate(type.bytes() * shape.packedSize(), 64).fill((byte) 77);
            kernel.forward(shape, rows, out, logSums);
            kernel.backward(shape, memory(scope, type, dOut), rows, out, logSums, dRows);
            return new Result(floats(scope, type, out), logSums.toArray(JAVA_FLOAT), floats(scope, type, dRows));
        }
    }

    private static MemorySegment memory(NDManager scope, ScalarType type, float[] values) {
        NDArray array = Tensor.empty(type, Device.cpu(), values.length).attach(scope);
        NativeArrays.copy(scope.create(values), array);
        return NativeArrays.memory(array);
    }

    private static float[] floats(NDManager scope, ScalarType type, MemorySegment memory) {
        return NativeArrays.floats(NativeArrays.over(scope, memory, type, memory.byteSize() / type.bytes()));
    }

    /** The ring over all ranks, put together. */
    private static Result ring(Attention kernel, ScalarType type, int ranks, AttentionShape shape, float[] qkv)
            throws Exception {
        Result result = new Result(shape);
        RankThreads.run(ranks, RankThreads.LIMITS, group -> {
            Share share = new Share(new ContextDivision(group.rank(), ranks), shape);
            Result mine = run(new RingAttention(kernel, group, type, Device.cpu()), type, share.shape(),
                    share.of(qkv, shape.packedWidth()), share.of(gradient(shape), shape.outWidth()));
            share.copy(result.out, mine.out, shape.outWidth(), true);
            share.copy(result.logSums, mine.logSums, 1, true);
            share.copy(result.gradient, mine.gradient, shape.packedWidth(), true);
        });
        return result;
    }

    /** The difference's norm against the expected values' own. */
    private static double error(float[] expected, float[] actual) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(expected[i] - actual[i], 2);
            size += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / size);
    }

    private static void assertClose(Result expected, Result actual, double tolerance) {
        double[] errors = {error(expected.out, actual.out), error(expected.logSums, actual.logSums),
            error(expected.gradient, actual.gradient)};
        for (double error : errors) {
            assertTrue(error < tolerance, () -> "off by " + Arrays.toString(errors));
        }
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void itIsAttentionOfWholeSequences(AttentionShape shape) throws Exception {
        float[] qkv = normal(shape.packedSize(), 1, 1.2);
        Result expected = whole(Attention.FAMILY.reference(), ScalarType.FLOAT32, shape, qkv);
        for (int ranks : new int[] {2, 3, 5}) {
            if (shape.time() % (2 * ranks) == 0) {
                for (Attention kernel : Attention.FAMILY.rungs()) {
                    assertClose(expected, ring(kernel, ScalarType.FLOAT32, ranks, shape, qkv), 2e-6);
                }
            }
        }
    }

    @Test
    void tokensBehindChangeNothing() throws Exception {
        AttentionShape shape = new AttentionShape(1, 24, 2, 1, 6, true);
        float[] qkv = normal(shape.packedSize(), 1, 1);
        Result before = ring(KERNEL, ScalarType.FLOAT32, 3, shape, qkv);
        for (int cut : new int[] {1, 4, 10, 23}) {
            float[] other = qkv.clone();
            float[] behind = normal((long) (24 - cut) * shape.packedWidth(), 9, 3);
            System.arraycopy(behind, 0, other, cut * shape.packedWidth(), behind.length);
            float[] after = ring(KERNEL, ScalarType.FLOAT32, 3, shape, other).out;
            assertArrayEquals(Arrays.copyOf(before.out, cut * shape.outWidth()),
                    Arrays.copyOf(after, cut * shape.outWidth()), "cut at " + cut);
        }
    }

    /** Log-sum-exps of thousands, in float32, leave weights three digits. */
    @Test
    void scoresMayBeLarge() throws Exception {
        AttentionShape shape = new AttentionShape(1, 48, 2, 1, 8, true);
        for (int seed = 0; seed < 2; seed++) {
            float[] qkv = normal(shape.packedSize(), seed, 1);
            for (int i = 0; i < qkv.length; i++) {
                qkv[i] *= i % shape.packedWidth() < shape.outWidth() ? 3000 : 1;
            }
            Result expected = whole(Attention.FAMILY.reference(), ScalarType.FLOAT32, shape, qkv);
            assertTrue(Arrays.stream(toDoubles(expected.logSums)).max().orElseThrow() > 4000);
            Result actual = ring(KERNEL, ScalarType.FLOAT32, 4, shape, qkv);
            assertTrue(error(expected.out, actual.out) < 2e-3);
            assertTrue(error(expected.logSums, actual.logSums) < 1e-6);
            for (float value : actual.gradient) {
                assertTrue(Float.isFinite(value));
            }
        }
    }

    /** Of a step's keys, of the rank's own, or of all that a query sees. */
    @ParameterizedTest
    @CsvSource({"12, 24", "0, 24"})
    void minusInfinityScoresCountForNothing(int from, int to) throws Exception {
        AttentionShape shape = new AttentionShape(1, 48, 2, 1, 4, true);
        float[] qkv = normal(shape.packedSize(), 1, 1);
        for (int i = 0; i < 48; i++) {
            int row = i * shape.packedWidth();
            int key = row + shape.outWidth();
            qkv[row] = 1;
            qkv[row + shape.headSize()] = 1;
            qkv[key] = i >= from && i < to ? Float.NEGATIVE_INFINITY : qkv[key];
        }
        Result expected = whole(Attention.FAMILY.reference(), ScalarType.FLOAT32, shape, qkv);
        assertEquals(from == 0, Float.isNaN(expected.out[0]));
        for (Attention kernel : Attention.FAMILY.rungs()) {
            Result actual = ring(kernel, ScalarType.FLOAT32, 2, shape, qkv);
            assertArrayEquals(expected.out, actual.out, 1e-5f, kernel.name());
            assertArrayEquals(expected.logSums, actual.logSums, 1e-5f, kernel.name());
        }
    }

    /**
     * Gradients, too, where queries find no score but -infinity among a step's keys, or among all that they see: NaN
     * and the numbers are those of the same rung over whole sequences. Infinite keys begin where on each rank a block
     * of 32 positions does, in which queries before them would be multiplied with them, too.
     */
    @ParameterizedTest
    @CsvSource({"0, 40", "64, 128", "192, 256", "0, 384"})
    void queriesWithoutScoresHaveTheGradientsOfWholeSequences(int from, int to) throws Exception {
        AttentionShape shape = new AttentionShape(1, 384, 2, 1, 4, true);
        float[] qkv = normal(shape.packedSize(), 1, 1);
        for (int i = 0; i < shape.time(); i++) {
            int row = i * shape.packedWidth();
            qkv[row] = 1;
            qkv[row + shape.headSize()] = 1;
            if (i >= from && i < to) {
                qkv[row + shape.outWidth()] = Float.NEGATIVE_INFINITY;
            }
        }
        Result reference = whole(Attention.FAMILY.reference(), ScalarType.FLOAT32, shape, qkv);
        for (Attention kernel : Attention.FAMILY.rungs()) {
            Result one = whole(kernel, ScalarType.FLOAT32, shape, qkv);
            assertArrayEquals(reference.gradient, one.gradient, 1e-5f, kernel.name());
            for (int ranks = 2; ranks <= 3; ranks++) {
                Result actual = ring(kernel, ScalarType.FLOAT32, ranks, shape, qkv);
                String what = kernel.name() + " on " + ranks;
                assertArrayEquals(one.out, actual.out, 1e-5f, what);
                assertArrayEquals(one.logSums, actual.logSums, 1e-5f, what);
                assertArrayEquals(one.gradient, actual.gradient, 1e-5f, what);
            }
        }
    }

    private static double[] toDoubles(float[] values) {
        double[] result = new double[values.length];
        Arrays.setAll(result, i -> values[i]);
        return result;
    }

    @ParameterizedTest
    @EnumSource(names = {"BFLOAT16", "FLOAT16"})
    void inHalfTypesItIsAsNearAsOneRank(ScalarType type) throws Exception {
        AttentionShape shape = new AttentionShape(2, 64, 4, 2, 16, true);
        float[] qkv = normal(shape.packedSize(), 1, 1.2);
        try (NDManager scope = NDManager.newBaseManager(Device.cpu())) {
            qkv = floats(scope, type, memory(scope, type, qkv));
        }
        Result expected = whole(Attention.FAMILY.reference(), ScalarType.FLOAT32, shape, qkv);
        Attention kernel = new HalfAttention(KERNEL, type);
        Result one = whole(kernel, type, shape, qkv);
        Result actual = ring(kernel, type, 4, shape, qkv);
        assertTrue(error(expected.out, actual.out) < 1.6 * error(expected.out, one.out));
        assertTrue(error(expected.gradient, actual.gradient) < 1.6 * error(expected.gradient, one.gradient));
        assertTrue(error(expected.logSums, actual.logSums) < 1e-6);
    }

    /** As {@link ContextParallel} says. */
    @Test
    void whatIsSentIsTheLeast() throws Exception {
        AttentionShape whole = new AttentionShape(3, 24, 4, 2, 5, true);
        for (ScalarType type : new ScalarType[] {ScalarType.FLOAT32, ScalarType.BFLOAT16}) {
            RankThreads.run(3, RankThreads.LIMITS, group -> {
                CountingGroup counting = new CountingGroup(group);
                AttentionShape shape = new Share(new ContextDivision(group.rank(), 3), whole).shape();
                Attention kernel = type == ScalarType.FLOAT32 ? KERNEL : new HalfAttention(KERNEL, type);
                Attention ring = new RingAttention(kernel, counting, type, Device.cpu());
                long keysAndValues = 3 * 24 / 3 * 2 * 2 * 5;
                try (Arena arena = Arena.ofShared()) {
                    MemorySegment rows = arena.allocate(type.bytes() * shape.packedSize(), 64);
                    MemorySegment out = arena.allocate(type.bytes() * shape.outSize(), 64);
                    MemorySegment logSums = arena.allocate(4 * shape.lseSize(), 64);
                    ring.forward(shape, rows, out, logSums);
                    assertEquals(2 * keysAndValues * type.bytes(), counting.bytes(Kind.SEND));
                    counting.forget();
                    ring.backward(shape, out, rows, out, logSums,
                            arena.allocate(type.bytes() * shape.packedSize(), 64));
                    assertEquals(2 * keysAndValues * (type.bytes() + Float.BYTES), counting.bytes(Kind.SEND));
                }
            });
        }
    }

    @Test
    void aRankThatFailsIsNotWaitedForForEver() throws Exception {
        AttentionShape whole = new AttentionShape(1, 40_000, 1, 1, 8, true);
        RankThreads.run(2, RankThreads.LIMITS, group -> {
            AttentionShape shape = new Share(new ContextDivision(group.rank(), 2), whole).shape();
            Attention ring = new RingAttention(new Failing(group.rank() == 1), group, ScalarType.FLOAT32,
                    Device.cpu());
            try (Arena arena = Arena.ofShared()) {
                MemorySegment rows = arena.allocate(4 * shape.packedSize(), 64);
                MemorySegment out = arena.allocate(4 * shape.outSize(), 64);
                MemorySegment logSums = arena.allocate(4 * shape.lseSize(), 64);
                RuntimeException failure = assertThrows(RuntimeException.class, () -> {
                    try {
                        ring.backward(shape, out, rows, out, logSums, rows);
                    } catch (ArithmeticException e) {
                        group.abort(group.who(1) + " stopped: " + e.getMessage());
                        throw e;
                    }
                });
                assertEquals(group.rank() == 1 ? "no" : "rank 1 stopped: no", failure.getMessage());
            }
        });
    }

    /** Of two ranks one fails in the second of its calls. */
    private static final class Failing implements Attention {
        private final boolean fails;
        private int calls;

        Failing(boolean fails) {
            this.fails = fails;
        }

        @Override
        public String name() {
            return "failing";
        }

        @Override
        public void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
            throw new AssertionError("nobody asks for this here");
        }

        @Override
        public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
                MemorySegment lse, MemorySegment dQkv) {
            if (fails && ++calls == 2) {
                throw new ArithmeticException("no");
            }
        }
    }

    @Test
    void otherShapesAreRefused() throws Exception {
        RankThreads.run(2, RankThreads.LIMITS, group -> {
            Attention ring = new RingAttention(KERNEL, group, ScalarType.FLOAT32, Device.cpu());
            for (AttentionShape shape : new AttentionShape[] {new AttentionShape(1, 3, 1, 1, 1, true),
                new AttentionShape(1, 4, 1, 1, 1, false)}) {
                MemorySegment none = MemorySegment.NULL;
                assertThrows(IllegalArgumentException.class, () -> ring.forward(shape, none, none, none));
                assertThrows(IllegalArgumentException.class, () -> ring.backward(shape, none, none, none, none, none));
            }
        });
    }
}
