package org.airelab.distributed.tensorparallel;

import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.torch.Aten;
import org.airelab.torch.JavaFunction.Made;
import org.airelab.torch.Tensor;

/**
 * Rank r has the r-th of equal parts of the time: an all-gather on the way in, a reduce-scatter on the way out. Groups
 * exchange one block for each rank, and so where the batch has several rows, the parts of each are brought side by
 * side.
 */
record DividedStream(ProcessGroup group) implements Border {
    @Override
    public Pending whole(Made made, Tensor part) {
        long batch = part.size(0);
        long time = part.size(1);
        long width = part.size(2);
        Tensor blocks = made.like(part, group.size(), batch, time * width);
        return new Pending(group.allGather(part.kernelMemory(), blocks.kernelMemory(), part.type()),
                () -> made.add(made.add(Aten.swapped(blocks)).view(0, batch, group.size() * time, width)));
    }

    @Override
    public Pending sum(Made made, Tensor partial) {
        long batch = partial.size(0);
        long width = partial.size(2);
        TensorParallel.requireDivisible(group.size(), partial.size(1));
        long time = partial.size(1) / group.size();
        Tensor rows = made.add(partial.view(0, batch, group.size(), time * width));
        Tensor blocks = made.add(Aten.swapped(rows));
        Tensor mine = made.like(partial, batch, time, width);
        return new Pending(group.reduceScatter(blocks.kernelMemory(), mine.kernelMemory(), partial.type(),
                Reduction.SUM), () -> mine);
    }
}
