package org.airelab.distributed.dataparallel;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.nn.FlatParameters;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.train.Shards;
import org.airelab.train.Shards.Piece;

/**
 * ZeRO's first stage (Rajbhandari et al. 2020, section 5.1): a bucket's gradients are reduce-scattered as soon as the
 * backward pass has them, every rank updates its part of each bucket, and the weights are gathered again. As many bytes
 * are moved as by an all-reduce; the optimizer's state is on one rank each.
 */
final class ShardedSums extends BucketedSums {
    private final ProcessGroup group;
    private final Shards shards;

    ShardedSums(ProcessGroup group, FlatParameters parameters, Shards shards) {
        super(group, parameters, shards);
        this.group = group;
        this.shards = shards;
    }

    @Override
    Work sum(Piece bucket) {
        MemorySegment gradients = NativeArrays.kernelMemory(parameters().gradients());
        return group.reduceScatter(slice(gradients, bucket), slice(gradients, shards.part(bucket, rank())),
                ScalarType.FLOAT32, Reduction.SUM);
    }

    @Override
    public double norm(double mine) {
        return Math.sqrt(exchange().sum(mine * mine));
    }

    @Override
    public void updated() {
        MemorySegment weights = NativeArrays.kernelMemory(parameters().weights());
        List<Work> gathers = new ArrayList<>();
        for (Piece bucket : buckets()) {
            gathers.add(group.allGather(slice(weights, shards.part(bucket, rank())), slice(weights, bucket),
                    ScalarType.FLOAT32));
        }
        gathers.forEach(Work::await);
    }

    private static MemorySegment slice(MemorySegment buffer, Piece piece) {
        return buffer.asSlice(piece.from() * Float.BYTES, piece.size() * Float.BYTES);
    }
}
