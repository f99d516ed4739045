package org.airelab.distributed.dataparallel;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards.Piece;
import org.airelab.torch.NativeArrays;

/**
 * Sums of buckets, each as soon as the backward pass has all of its gradients, while it goes on (Li et al. 2020,
 * section 3.2). The gradients lie in one buffer in the order of the layers, so a bucket is a window of it, the last one
 * first: nothing is copied.
 *
 * <p>Where the optimizer's state is divided this is ZeRO's first stage (Rajbhandari et al. 2020, section 5.1): a
 * bucket's gradients are reduce-scattered, every rank updates its share of each bucket, and the weights are gathered
 * again. As many bytes are moved as by an all-reduce; the optimizer's state is on one rank each.
 */
final class BucketedSums extends GradientSums {
    private final List<Piece> buckets;
    private final List<Work> pending = new ArrayList<>();
    /** Buckets that are on their way. */
    private int sent;

    /** {@code buckets} from the last; where the state is divided those in which it is. */
    BucketedSums(ProcessGroup group, FlatParameters parameters, List<Piece> buckets) {
        super(group, parameters);
        this.buckets = buckets;
    }

    @Override
    public void finalFrom(long element) {
        for (; sent < buckets.size() && buckets.get(sent).from() >= element; sent++) {
            pending.add(sum(buckets.get(sent)));
        }
    }

    private Work sum(Piece bucket) {
        MemorySegment gradients = NativeArrays.kernelMemory(parameters().gradients());
        MemorySegment window = slice(gradients, bucket, 0);
        return parameters().shards().stage() == 0 ? sum(window)
                : sumShares(window, slice(gradients, parameters().shards().share(bucket, rank()), 0));
    }

    @Override
    public void complete() {
        pending.forEach(this::await);
        pending.clear();
        sent = 0;
    }
}
