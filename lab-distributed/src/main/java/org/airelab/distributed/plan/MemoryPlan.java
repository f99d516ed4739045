package org.airelab.distributed.plan;

import org.airelab.distributed.plan.Job.Kernels;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.distributed.plan.Job.State;

/**
 * Bytes of a rank by part, of the stage of the pipeline that needs most: the first, which keeps the activations of most
 * passes, or the last, which has the logits.
 *
 * @param parameters  how many parameters the rank computes with: the P of the formulas
 * @param weights     of the parameters that the rank keeps
 * @param gradients   of them
 * @param optimizer   what the optimizer keeps
 * @param activations what the forward keeps for the backward passes, logits included
 * @param workspace   weights and gradients for the moment, buffers, and what the device's driver and libraries take
 */
public record MemoryPlan(double parameters, double weights, double gradients, double optimizer, double activations,
        double workspace) {
    private static final double GIB = 1L << 30;
    /** A CUDA context and cuBLAS's own buffers. */
    private static final double CONTEXT = 0.75 * GIB;
    /** Two buckets of gradients of 25 MB. */
    private static final double BUCKETS = 2 * 25e6;
    /** Logits that a fused loss has at a time (RowLoss), and where ranks divide them. */
    private static final double PORTION = 1L << 30;
    private static final double DIVIDED_PORTION = 1L << 28;
    /** Bytes that the loss of divided logits takes beside them and their gradient: a float32 copy and its softmax. */
    private static final double DIVIDED_LOGIT = 8;
    /** Bytes a logit by plain operators: half, float32, log-softmax and its gradient. */
    private static final double PLAIN_LOGIT = 14;
    /** What of a GPU's memory allocators can use before they fragment. */
    private static final double USABLE = 0.95;

    static MemoryPlan of(Job job) {
        MemoryPlan first = stage(job, true, job.mesh().pp() == 1);
        return job.mesh().pp() == 1 ? first : larger(first, stage(job, false, true));
    }

    private static MemoryPlan larger(MemoryPlan a, MemoryPlan b) {
        return a.total() >= b.total() ? a : b;
    }

    private static MemoryPlan stage(Job job, boolean first, boolean last) {
        State state = job.method().state();
        int zero = job.method().zero();
        double sharers = job.replicas();
        double parameters = LayerWork.parameters(job, first, last);
        double ends = parameters - job.stageLayers() * LayerWork.parameters(job);
        return new MemoryPlan(parameters, parameters * state.weights() / (zero == 3 ? sharers : 1),
                parameters * state.gradients() / (zero >= 2 ? sharers : 1),
                parameters * state.optimizer() / (zero >= 1 ? sharers : 1),
                layers(job, first) + (last ? logits(job) : 0), workspace(job, ends));
    }

    /** The first stage of a pipeline has begun as many passes as there are stages before one returns (1F1B). */
    private static double layers(Job job, boolean first) {
        double stages = job.mesh().pp();
        double pieces = job.method().interleave();
        double ahead = first ? stages * (1 + (pieces > 1 ? (stages - 1) / (stages * pieces) : 0)) : 1;
        double begun = Math.min(ahead, job.passes());
        LayerWork layer = LayerWork.of(job);
        double input = (double) layer.dim() / layer.tp();
        double kept = switch (job.method().recompute()) {
            case NONE -> layer.kept();
            case SELECTIVE -> layer.keptSelectively();
            case FULL -> input;
        };
        double again = job.method().recompute() == Recompute.NONE ? 0 : layer.kept();
        return job.tokens() * job.elementBytes() * (begun * job.stageLayers() * kept + again);
    }

    private static double logits(Job job) {
        double all = job.tokens() * Math.ceil((double) job.model().vocabSize() / job.mesh().tp());
        if (job.method().kernels() != Kernels.FUSED) {
            return all * PLAIN_LOGIT * job.elementBytes() / 2;
        }
        return job.mesh().tp() == 1 ? Math.min(all, PORTION) * job.elementBytes()
                : Math.min(all, DIVIDED_PORTION) * (2 * job.elementBytes() + DIVIDED_LOGIT);
    }

    private static double workspace(Job job, double ends) {
        double layer = LayerWork.parameters(job) * job.elementBytes();
        double rounded = 0;
        if (job.method().zero() == 3) {
            rounded = 2 * layer + ends * job.elementBytes();
        } else if (job.method().state().weights() != job.elementBytes()) {
            // Autograd keeps the rounded weights of a layer from its forward to its backward pass.
            rounded = layer * (job.method().recompute() == Recompute.FULL ? 1 : job.stageLayers());
        }
        return CONTEXT + rounded + layer + (job.replicas() > 1 ? BUCKETS : 0);
    }

    /** All of it. */
    public double total() {
        return weights + gradients + optimizer + activations + workspace;
    }

    /** Whether a GPU can hold it. */
    boolean fits(Hardware gpu) {
        return total() <= USABLE * gpu.memoryGib() * GIB;
    }

    static double gib(double bytes) {
        return bytes / GIB;
    }
}
