package org.airelab.distributed.dataparallel;

import java.lang.foreign.MemorySegment;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.nn.FlatParameters;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.train.GradientExchange;

/** The gradients' sums over the ranks of a group; when they are formed is what subclasses differ in. */
abstract class GradientSums implements GradientExchange {
    private final ProcessGroup group;
    private final FlatParameters parameters;
    private final ScalarType type;
    private final Exchange exchange;
    private long waitedNanos;

    GradientSums(ProcessGroup group, FlatParameters parameters) {
        this.group = group;
        this.parameters = parameters;
        this.type = NativeArrays.type(parameters.gradients());
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

    @Override
    public final double mean(double value) {
        return exchange.mean(value);
    }

    @Override
    public double norm(double mine) {
        return mine;
    }

    @Override
    public void updated() {
        // Every rank has moved all weights.
    }

    @Override
    public final void complete() {
        long start = System.nanoTime();
        finish();
        waitedNanos += System.nanoTime() - start;
    }

    /** Seconds in which this rank has done nothing but wait for sums. */
    final double waitedSeconds() {
        return waitedNanos / 1e9;
    }

    /** Forms the sums that are not formed yet, and waits for all. */
    abstract void finish();

    final Exchange exchange() {
        return exchange;
    }

    final FlatParameters parameters() {
        return parameters;
    }

    /** Begins to sum the gradients of a range of elements. */
    final Work sum(long from, long count) {
        MemorySegment all = NativeArrays.kernelMemory(parameters.gradients());
        return group.allReduce(all.asSlice(from * type.bytes(), count * type.bytes()), type, Reduction.SUM);
    }
}
