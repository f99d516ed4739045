package org.airelab.distributed.dataparallel;

import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.nn.FlatParameters;
import org.airelab.train.Shards;
import org.airelab.train.Shards.Piece;

/**
 * Sums of buckets, each as soon as the backward pass has all of its gradients, while it goes on (Li et al. 2020,
 * section 3.2). The gradients lie in one buffer in the order of the layers, so a bucket is a window of it, the last one
 * first: nothing is copied.
 */
class BucketedSums extends GradientSums {
    private final List<Piece> buckets;
    private final List<Work> pending = new ArrayList<>();
    /** Buckets that are on their way. */
    private int sent;

    /** In the buckets of {@code shards}. */
    BucketedSums(ProcessGroup group, FlatParameters parameters, Shards shards) {
        super(group, parameters);
        this.buckets = shards.buckets(parameters.size());
    }

    @Override
    public final void finalFrom(long element) {
        for (; sent < buckets.size() && buckets.get(sent).from() >= element; sent++) {
            pending.add(sum(buckets.get(sent)));
        }
    }

    /** Begins to sum a bucket. */
    Work sum(Piece bucket) {
        return sum(bucket.from(), bucket.size());
    }

    @Override
    final void finish() {
        pending.forEach(Work::await);
        pending.clear();
        sent = 0;
    }

    final List<Piece> buckets() {
        return buckets;
    }
}
