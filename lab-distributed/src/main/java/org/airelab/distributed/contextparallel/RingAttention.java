package org.airelab.distributed.contextparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.distributed.contextparallel.ChunkPairs.Side;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/**
 * Causal attention of the tokens that a rank has to those of all ranks of its group. The rank's two chunks are
 * neighbours in a causal sequence of their own, which the kernel computes as it is. Then, step by step, come the keys
 * and values of the rank before, of the one before that, and so on. Of each, two pairs of chunks count
 * ({@link ChunkPairs}), on every rank as many. While the kernel works on them the next ones are on their way.
 *
 * <p>The results of the steps, which have the rows' type, are put together in float32. In the backward pass the kernel
 * is given the results and log-sum-exps over all keys, and so each pair's part of the gradients is final. Those of keys
 * and values follow these around the ring, one step behind, as float32 sums, until they are where they belong.
 */
final class RingAttention implements Attention {
    private final Attention kernel;
    private final ProcessGroup group;
    private final ScalarType type;
    private final Device device;

    /**
     * @param kernel for rows of {@code type} on {@code device}
     * @param group  whose ranks have the tokens that {@link org.airelab.nn.ContextDivision} says
     */
    RingAttention(Attention kernel, ProcessGroup group, ScalarType type, Device device) {
        this.kernel = kernel;
        this.group = group;
        this.type = type;
        this.device = device;
    }

    @Override
    public String name() {
        return kernel.name() + " in a ring";
    }

    @Override
    public boolean takes(int headSize) {
        return kernel.takes(headSize);
    }

    @Override
    public void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        try (Chunks chunks = new Chunks(shape, type, device); Ring ring = new Ring(group)) {
            NDArray mine = chunks.rows(qkv);
            Ring.Trip keys = depart(ring, chunks, mine);
            kernel.forward(shape, qkv, out, lse);

            NDArray results = chunks.out(out);
            NDArray logSums = chunks.logSums(lse);
            NDArray wideResults = chunks.wide(results);
            NDArray rows = chunks.newRows();
            NDArray stepResults = chunks.newOut(type);
            NDArray stepLogSums = chunks.newLogSums();
            NDArray wideStep = type == ScalarType.FLOAT32 ? stepResults : chunks.newOut(ScalarType.FLOAT32);
            for (int step = 1; step < group.size(); step++) {
                ChunkPairs pairs = arrive(step, keys, chunks, mine, rows);
                kernel.forward(chunks.pairs(), memory(rows), memory(stepResults), memory(stepLogSums));
                copyUnlessSame(stepResults, wideStep);
                merge(pairs.queries(), wideResults, logSums, wideStep, stepLogSums);
            }
            copyUnlessSame(wideResults, results);
        }
    }

    /** Sends this rank's keys and values on their way. */
    private Ring.Trip depart(Ring ring, Chunks chunks, NDArray mine) {
        NDArray keys = chunks.newKeysAndValues(type);
        NativeArrays.copy(chunks.keysAndValues(mine), keys);
        Ring.Trip trip = ring.new Trip(keys, chunks.newKeysAndValues(type));
        trip.go();
        return trip;
    }

    /** Packs this rank's queries, and the keys and values that have come for a step, and sends these on. */
    private ChunkPairs arrive(int step, Ring.Trip keys, Chunks chunks, NDArray mine, NDArray rows) {
        ChunkPairs pairs = ChunkPairs.of(group.rank(), step);
        NDArray theirs = keys.arrived();
        if (step + 1 < group.size()) {
            keys.go();
        }
        if (queriesChange(step)) {
            copy(pairs.queries(), chunks.queries(mine), chunks.queries(rows));
        }
        copy(pairs.keys(), theirs, chunks.keysAndValues(rows));
        return pairs;
    }

    /** Whether others of this rank's queries are in the pairs than in the step before. */
    private boolean queriesChange(int step) {
        return step == 1 || ChunkPairs.of(group.rank(), step) != ChunkPairs.of(group.rank(), step - 1);
    }

    /**
     * Takes results over more keys into those there are: with log-sum-exps s and t the weights are e^s / (e^s + e^t)
     * and e^t / (e^s + e^t), whatever the size of s and t. Where one is -infinity the other's results are all there is.
     *
     * @param results [batch, chunks, chunk, heads, headSize]
     * @param logSums [batch, chunks, heads, chunk]
     */
    private static void merge(Side queries, NDArray results, NDArray logSums, NDArray more, NDArray moreLogSums) {
        List<NDArray> sums = queries.chunks(results);
        List<NDArray> totals = queries.chunks(logSums);
        List<NDArray> added = queries.pairs(more);
        List<NDArray> addedTotals = queries.pairs(moreLogSums);
        for (int i = 0; i < sums.size(); i++) {
            try (NDManager scope = results.getManager().newSubManager()) {
                NDArray total = totals.get(i);
                clearWithoutScores(scope, sums.get(i), total);
                clearWithoutScores(scope, added.get(i), addedTotals.get(i));
                NDArray difference = addedTotals.get(i).sub(total);
                difference.attach(scope);
                NDArray weight = Aten.transpose(scope, Aten.sigmoid(scope, difference), 2, 3).expandDims(-1);
                Aten.lerpInto(sums.get(i), added.get(i), weight);
                NativeArrays.copy(Aten.logAddExp(scope, total, addedTotals.get(i)), total);
            }
        }
    }

    /** Makes results 0 that are NaN for want of any score above -infinity: no weight does. */
    private static void clearWithoutScores(NDManager scope, NDArray results, NDArray logSums) {
        NDArray empty = Aten.isMinusInfinity(scope, logSums);
        Aten.fill(results, Aten.transpose(scope, empty, 2, 3).expandDims(-1), Aten.number(scope, 0));
    }

    @Override
    public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        try (Chunks chunks = new Chunks(shape, type, device); Ring ring = new Ring(group)) {
            NDArray mine = chunks.rows(qkv);
            Ring.Trip keys = depart(ring, chunks, mine);
            kernel.backward(shape, dOut, qkv, out, lse, dQkv);

            NDArray gradients = chunks.rows(dQkv);
            NDArray sums = chunks.wide(gradients);
            Ring.Trip dKeys = ring.new Trip(chunks.newKeysAndValues(ScalarType.FLOAT32),
                    chunks.newKeysAndValues(ScalarType.FLOAT32));
            Aten.zero(dKeys.here());
            NDArray rows = chunks.newRows();
            NDArray dRows = chunks.newRows();
            NDArray stepDOut = chunks.newOut(type);
            NDArray stepOut = chunks.newOut(type);
            NDArray stepLogSums = chunks.newLogSums();
            for (int step = 1; step < group.size(); step++) {
                Side queries = arrive(step, keys, chunks, mine, rows).queries();
                if (queriesChange(step)) {
                    copy(queries, chunks.out(dOut), stepDOut);
                    copy(queries, chunks.out(out), stepOut);
                    copy(queries, chunks.logSums(lse), stepLogSums);
                }
                kernel.backward(chunks.pairs(), memory(stepDOut), memory(rows), memory(stepOut), memory(stepLogSums),
                        memory(dRows));
                add(queries, chunks.queries(sums), chunks.queries(dRows));
                NDArray theirs = step == 1 ? dKeys.here() : dKeys.arrived();
                add(ChunkPairs.of(group.rank(), step).keys(), theirs, chunks.keysAndValues(dRows));
                dKeys.go();
            }
            chunks.keysAndValues(sums).addi(dKeys.arrived());
            copyUnlessSame(sums, gradients);
        }
    }

    /** Copies to pairs what belongs to them. */
    private static void copy(Side side, NDArray chunks, NDArray pairs) {
        List<NDArray> from = side.chunks(chunks);
        List<NDArray> to = side.pairs(pairs);
        for (int i = 0; i < from.size(); i++) {
            NativeArrays.copy(from.get(i), to.get(i));
        }
    }

    /** Adds to chunks what belongs to them. */
    private static void add(Side side, NDArray chunks, NDArray pairs) {
        List<NDArray> to = side.chunks(chunks);
        List<NDArray> from = side.pairs(pairs);
        for (int i = 0; i < to.size(); i++) {
            to.get(i).addi(from.get(i));
        }
    }

    private static void copyUnlessSame(NDArray from, NDArray to) {
        if (from != to) {
            NativeArrays.copy(from, to);
        }
    }

    private static MemorySegment memory(NDArray array) {
        return NativeArrays.kernelMemory(array);
    }
}
