package org.airelab.distributed.dataparallel;

import org.airelab.distributed.group.ProcessGroup;
import org.airelab.nn.FlatParameters;

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
    void finish() {
        for (FlatParameters.Slot slot : parameters().slots()) {
            sum(slot.offset(), slot.spec().elements()).await();
        }
    }
}
