package org.airelab.distributed.tensorparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.distributed.dataparallel.Exchange;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards.Owned;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.airelab.train.GradientExchange;
import org.airelab.train.TrainingSession;

/**
 * What the ranks of tensor parallelism have to exchange of a step's gradients, on top of the exchange among those that
 * take different samples. Gradients of divided parameters are whole where they are. Those of parameters that all ranks
 * have follow, all together, when the samples' sums are there: where each rank has its own tokens of the stream, they
 * are those of its tokens, and are summed; else they are the same on all but for the order in which samples' sums were
 * made, which is a group's own choice, and all take rank 0's.
 */
public final class TensorSums implements GradientExchange {
    private final ProcessGroup group;
    private final GradientExchange samples;
    private final FlatParameters parameters;
    private final NDArray gradients;
    private final List<Owned> undivided;
    private final boolean partial;
    private final Exchange exchange;

    /**
     * @param group    of tensor parallelism
     * @param samples  the exchange among the ranks that have the same part of the layers
     * @param division of the session's layers, over {@code group}
     */
    public TensorSums(ProcessGroup group, GradientExchange samples, TensorParallel division, TrainingSession session) {
        this.parameters = session.parameters();
        this.group = group;
        this.samples = samples;
        this.gradients = parameters.gradients();
        this.undivided = parameters.ownedUndivided();
        this.partial = division.dividesTime();
        this.exchange = new Exchange(group, NativeArrays.device(gradients));
    }

    @Override
    public int rank() {
        return samples.rank();
    }

    @Override
    public int ranks() {
        return samples.ranks();
    }

    @Override
    public void finalFrom(long element) {
        samples.finalFrom(element);
    }

    @Override
    public void complete() {
        samples.complete();
        if (!undivided.isEmpty()) {
            makeSame();
        }
    }

    /** One collective, of what lies here and there. */
    private void makeSame() {
        ScalarType type = NativeArrays.type(gradients);
        Device device = NativeArrays.device(gradients);
        try (NDManager scope = gradients.getManager().newSubManager()) {
            NDArray all = Tensor.empty(type, device, undivided.stream().mapToLong(Owned::size).sum()).attach(scope);
            copy(scope, all, true);
            MemorySegment memory = NativeArrays.kernelMemory(all);
            (partial ? group.allReduce(memory, type, Reduction.SUM) : group.broadcast(memory, type, 0)).await();
            copy(scope, all, false);
        }
    }

    private void copy(NDManager scope, NDArray all, boolean together) {
        long to = 0;
        for (Owned piece : undivided) {
            NDArray place = parameters.gradients(scope, piece);
            NDArray window = NativeArrays.view(all, to, piece.size()).attach(scope);
            NativeArrays.copy(together ? place : window, together ? window : place);
            to += piece.size();
        }
    }

    @Override
    public double norm(double mine) {
        double samplesNorm = samples.norm(mine);
        return Math.sqrt(exchange.sum(samplesNorm * samplesNorm));
    }

    @Override
    public void updated() {
        samples.updated();
    }

    @Override
    public double[] norms(double[] mine) {
        double[] whole = samples.norms(mine);
        for (int i = 0; i < whole.length; i++) {
            // What all ranks have is one rank's to count.
            whole[i] = group.rank() > 0 && parameters.slots().get(i).spec().cut() == null ? 0 : whole[i];
        }
        return exchange.norms(whole);
    }

    @Override
    public double mean(double value) {
        return samples.mean(value);
    }
}
