package org.airelab.distributed.plan;

import org.airelab.distributed.plan.Job.Kernels;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.distributed.plan.Job.State;
import org.airelab.nn.ModelConfig;

/**
 * Bytes of a rank by part, of the stage of the pipeline that needs most: the first, which keeps the activations of most
 * passes, or the last, which has the logits.
 *
 * @param parameters  how many parameters the rank computes with: the P of the formulas
 * @param weights     of the parameters that the rank keeps
 * @param gradients   of them
 * @param optimizer   what the optimizer keeps
 * @param turns       in which the lab has parts of the model by turns, whole, where gradients or weights are divided
 * @param converted   weights in the type that is computed with, where they are kept in another
 * @param activations what the forward keeps for the backward passes, logits included
 * @param workspace   gradients for the moment, what is sent, and what the device's driver and libraries take
 */
public record MemoryPlan(double parameters, double weights, double gradients, double optimizer, double turns,
        double converted, double activations, double workspace) {
    private static final double GIB = 1L << 30;
    /** A CUDA context and cuBLAS's own buffers. */
    private static final double CONTEXT = 0.75 * GIB;
    /** Two buckets of gradients of 25 MB, which the lab sums where they are. */
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
    /** And what leaves room for what this model does not know. */
    private static final double EASY = 0.9;

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
                parameters * job.method().optimizer() / (zero >= 1 ? sharers : 1), turns(job),
                state.ours() ? converted(job, begun(job, first), last) : gathered(job, ends),
                layers(job, begun(job, first)) + (last ? logits(job) : 0), workspace(job));
    }

    /**
     * Passes that are under way at a time: the first stage of a pipeline has begun as many as there are stages before
     * one returns (1F1B).
     */
    private static double begun(Job job, boolean first) {
        double stages = job.mesh().pp();
        double pieces = job.method().interleave();
        double ahead = first ? stages * (1 + (pieces > 1 ? (stages - 1) / (stages * pieces) : 0)) : 1;
        return Math.min(ahead, job.passes());
    }

    private static double layers(Job job, double begun) {
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

    /**
     * Of gradients as of weights: two buffers for layers and one for the longer of the two ends, or for the embedding
     * and a tied head's norm ({@link org.airelab.nn.FlatParameters}).
     */
    private static double turns(Job job) {
        Job.Method method = job.method();
        if (!method.state().ours() || method.zero() < 2 || job.replicas() == 1) {
            return 0;
        }
        double ends = Math.max(LayerWork.embedding(job), LayerWork.head(job));
        return (method.zero() - 1) * method.state().weights()
                * (ends + Math.min(2, job.stageLayers()) * LayerWork.parameters(job));
    }

    /**
     * The lab rounds weights as it uses them, in each pass anew. Autograd keeps a layer's from its forward to its
     * backward half, so as long as the activations, and the output matrix's are there in between.
     */
    private static double converted(Job job, double begun, boolean last) {
        if (job.elementBytes() == job.method().state().weights()) {
            return 0;
        }
        ModelConfig model = job.model();
        double kept = job.method().computesTwice() ? 1 : begun * job.stageLayers();
        double head = last ? Math.ceil((double) model.vocabSize() / job.mesh().tp()) * model.dim() : 0;
        return (kept * LayerWork.of(job).weights() + head) * job.elementBytes();
    }

    /** Of other software: two gathered layers and the ends, or rounded weights that all passes have in common. */
    private static double gathered(Job job, double ends) {
        double layer = LayerWork.parameters(job) * job.elementBytes();
        if (job.method().zero() == 3) {
            return 2 * layer + ends * job.elementBytes();
        }
        return job.method().state().weights() == job.elementBytes() ? 0
                : layer * (job.method().computesTwice() ? 1 : job.stageLayers());
    }

    private static double workspace(Job job) {
        double layer = LayerWork.parameters(job) * job.elementBytes();
        return CONTEXT + layer + (job.method().state().ours() ? exchanged(job) : job.replicas() > 1 ? BUCKETS : 0);
    }

    /**
     * What of a layer is on its way in its backward half. In tensor parallelism the gathered input and the gradient to
     * be scattered, each as groups exchange it and as products read it. Around the ring of context parallelism keys and
     * values, with float32 sums of their gradients, go from one array to another, and beside them are packed rows with
     * their gradients, float32 sums of these, results and theirs.
     */
    private static double exchanged(Job job) {
        LayerWork layer = LayerWork.of(job);
        double e = job.elementBytes();
        double tensor = job.mesh().tp() == 1 ? 0 : 4 * e * layer.dim();
        double keys = 2.0 * layer.keys();
        double ring = job.mesh().cp() == 1 ? 0 : 2 * keys * (e + Float.BYTES) + layer.qkv() * (2 * e + Float.BYTES)
                + 2 * e * (layer.qkv() - keys);
        return job.tokens() * (tensor + ring);
    }

    /** All of it. */
    public double total() {
        return weights + gradients + optimizer + turns + converted + activations + workspace;
    }

    /** Whether a GPU can hold it. */
    boolean fits(Hardware gpu) {
        return total() <= USABLE * gpu.memoryGib() * GIB;
    }

    /** Whether it can with room to spare. */
    boolean fitsEasily(Hardware gpu) {
        return total() <= EASY * gpu.memoryGib() * GIB;
    }

    static double gib(double bytes) {
        return bytes / GIB;
    }
}
