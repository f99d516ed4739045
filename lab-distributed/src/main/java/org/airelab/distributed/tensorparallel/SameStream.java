package org.airelab.distributed.tensorparallel;

import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.torch.JavaFunction.Made;
import org.airelab.torch.Tensor;

/** All ranks have all of the stream: nothing is to be done on the way in, and an all-reduce on the way out. */
record SameStream(ProcessGroup group) implements Border {
    @Override
    public Pending whole(Made made, Tensor part) {
        return new Pending(null, () -> made.add(part.view(0, part.shape())));
    }

    @Override
    public Pending sum(Made made, Tensor partial) {
        return new Pending(group.allReduce(partial.kernelMemory(), partial.type(), Reduction.SUM),
                () -> made.add(partial.view(0, partial.shape())));
    }
}
