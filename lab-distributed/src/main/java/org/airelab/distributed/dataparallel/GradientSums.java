package org.airelab.distributed.dataparallel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards;
import org.airelab.nn.Shards.Piece;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.train.GradientExchange;

/**
 * The gradients' sums over the ranks of a group; when they are formed, and where they are kept, is what subclasses
 * differ in.
 */
abstract class GradientSums implements GradientExchange {
    private static final ScalarType TYPE = ScalarType.FLOAT32;

    private final ProcessGroup group;
    private final FlatParameters parameters;
    private final Exchange exchange;
    /** For which this rank has waited since it last told the others. */
    private long waitedNanos;
    /** For which that rank waited which waited longest, of each step. */
    private long longestNanos;

    /** {@code parameters} are float32. */
    GradientSums(ProcessGroup group, FlatParameters parameters) {
        this.group = group;
        this.parameters = parameters;
        this.exchange = new Exchange(group, NativeArrays.device(parameters.gradients()));
    }

    @Override
    public final int rank() {
        return group.rank();
    }

    @Override
    public final int ranks() {
        return group.size();
    }

    /** Once a step, so that with the number goes how long a rank has waited since it was asked before. */
    @Override
    public final double mean(double value) {
        long[][] all = exchange.all(Double.doubleToRawLongBits(value), waitedNanos);
        waitedNanos = 0;
        longestNanos += Arrays.stream(all).mapToLong(one -> one[1]).max().orElseThrow();
        return Exchange.sum(all) / ranks();
    }

    @Override
    public final double norm(double mine) {
        return divided() ? Math.sqrt(exchange.sum(mine * mine)) : mine;
    }

    @Override
    public final double[] norms(double[] mine) {
        return divided() ? exchange.norms(mine) : mine;
    }

    /** Gathers the weights that other ranks have updated. */
    @Override
    public void updated() {
        if (divided()) {
            MemorySegment weights = NativeArrays.kernelMemory(parameters.weights());
            Shards shards = parameters.shards();
            List<Work> gathers = shards.buckets(parameters.parts()).stream().map(bucket -> gather(
                    slice(weights, shards.share(bucket, rank()), 0), slice(weights, bucket, 0))).toList();
            gathers.forEach(this::await);
        }
    }

    private boolean divided() {
        return parameters.shards().stage() > 0;
    }

    /** See {@link Replicas#waitedSeconds}. */
    final double waitedSeconds() {
        return longestNanos / 1e9;
    }

    /** Waits, and takes the time. */
    final void await(Work work) {
        long start = System.nanoTime();
        work.await();
        waitedNanos += System.nanoTime() - start;
    }

    final FlatParameters parameters() {
        return parameters;
    }

    /** Begins to sum gradients in place, on all ranks. */
    final Work sum(MemorySegment gradients) {
        return group.allReduce(gradients, TYPE, Reduction.SUM);
    }

    /** Begins to sum gradients, each rank's share in its place there. */
    final Work sumShares(MemorySegment gradients, MemorySegment share) {
        return group.reduceScatter(gradients, share, TYPE, Reduction.SUM);
    }

    /** Begins to gather weights. */
    final Work gather(MemorySegment share, MemorySegment weights) {
        return group.allGather(share, weights, TYPE);
    }

    /** The memory of a range, in that of a longer one from {@code first} on. */
    static MemorySegment slice(MemorySegment memory, Piece piece, long first) {
        return memory.asSlice((piece.from() - first) * TYPE.bytes(), piece.size() * TYPE.bytes());
    }
}
