package org.airelab.distributed.dataparallel;

import java.lang.foreign.MemorySegment;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards.Piece;
import org.airelab.torch.NativeArrays;

/**
 * The plain way: one all-reduce a parameter, one after another, when the backward pass is over. It is here to be
 * measured against.
 */
final class NaiveSums extends GradientSums {
    NaiveSums(ProcessGroup group, FlatParameters parameters) {
        super(group, parameters);
    }

    @Override
    public void finalFrom(long element) {
        // Later.
    }

    @Override
    public void complete() {
        MemorySegment gradients = NativeArrays.kernelMemory(parameters().gradients());
        for (FlatParameters.Slot slot : parameters().slots()) {
            Piece piece = new Piece(slot.offset(), slot.offset() + slot.spec().elements());
            await(sum(slice(gradients, piece, 0)));
        }
    }
}
