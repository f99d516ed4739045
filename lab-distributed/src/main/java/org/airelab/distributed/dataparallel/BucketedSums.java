package org.airelab.distributed.dataparallel;

import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.nn.FlatParameters;
import org.airelab.torch.NativeArrays;

/**
 * Sums of buckets, each as soon as the backward pass has all of its gradients, while it goes on (Li et al. 2020,
 * section 3.2). The gradients lie in one buffer in the order of the layers, so a bucket is a window of it, the last one
 * first: nothing is copied.
 */
final class BucketedSums extends GradientSums {
    private final long bucket;
    private final List<Work> pending = new ArrayList<>();
    /** Gradients from this element on are on their way. */
    private long sent;

    /** Buckets of {@code bytes}; the one that is sent last has what is left. */
    BucketedSums(ProcessGroup group, FlatParameters parameters, long bytes) {
        super(group, parameters);
        this.bucket = Math.max(1, bytes / NativeArrays.type(parameters.gradients()).bytes());
        this.sent = parameters.size();
    }

    @Override
    public void finalFrom(long element) {
        while (sent > element && (sent - element >= bucket || element == 0)) {
            long from = Math.max(element, sent - bucket);
            pending.add(sum(from, sent - from));
            sent = from;
        }
    }

    @Override
    void finish() {
        try {
            pending.forEach(Work::await);
        } finally {
            pending.clear();
            sent = parameters().size();
        }
    }
}
