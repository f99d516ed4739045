package org.airelab.distributed.plan;

import java.util.List;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.Positions;

/**
 * What one rank does in one decoder layer, a token: widths of its products, numbers it moves and keeps. Tensor
 * parallelism divides heads and the feed-forward width (Shoeybi et al. 2019), sequence parallelism beside it the tokens
 * of norms and residual connections (Korthikanti et al. 2022, section 4.2.2).
 *
 * @param dim    of the residual stream
 * @param qkv    queries, keys and values together, of this rank
 * @param keys   keys of this rank; there are as many values
 * @param up     what the first product of the feed-forward block gives, of this rank
 * @param hidden what its activation gives, of this rank
 * @param tp     ranks of tensor parallelism
 * @param rotary whether queries and keys are rotated
 */
record LayerWork(int dim, int qkv, int keys, int up, int hidden, int tp, boolean rotary) {

    /** A product's result and inner width; its rows are tokens. */
    record Product(int out, int in) {
    }

    static LayerWork of(Job job) {
        ModelConfig model = job.model();
        int tp = job.mesh().tp();
        int hidden = Math.ceilDiv(model.hiddenDim(), tp);
        return new LayerWork(model.dim(), Math.ceilDiv(model.qkvDim(), tp),
                Math.ceilDiv(model.kvHeads(), tp) * model.headSize(),
                model.feedForward() == FeedForwardKind.SWIGLU ? 2 * hidden : hidden, hidden, tp, model.rotary());
    }

    /** The four products. */
    List<Product> products() {
        return List.of(new Product(qkv, dim), new Product(dim, qkv - 2 * keys), new Product(up, dim),
                new Product(dim, hidden));
    }

    /** Those of them whose input is the stream: a rank of tensor parallelism has columns of their results. */
    List<Product> columns() {
        return List.of(products().get(0), products().get(2));
    }

    /** Numbers read and written between products by a kernel an operation: two norms, two residual sums, and within. */
    double movedForward() {
        return 10.0 * dim / tp + rotated() + up + hidden;
    }

    /** The same of the backward pass. */
    double movedBackward() {
        return 12.0 * dim / tp + rotated() + 2.0 * up + hidden;
    }

    private double rotated() {
        return rotary ? 2.0 * (qkv - keys) : 0;
    }

    /**
     * Numbers kept for the backward pass, this layer's input counted as its predecessor's output: both norms' results,
     * queries to values, attention's output, its projection, the sum, what feeds and leaves the activation, the last
     * product, the layer's output.
     */
    double kept() {
        return 6.0 * dim / tp + (qkv - 2 * keys) + qkv + up + hidden;
    }

    /** The same when every second product and attention's output are kept, and the input. */
    double keptSelectively() {
        return (double) dim / tp + (qkv - 2 * keys) + 0.5 * (qkv + 2.0 * dim + up);
    }

    /** Weights, norms and biases left out. */
    double weights() {
        return products().stream().mapToDouble(p -> (double) p.out * p.in).sum();
    }

    /** All trained numbers of a layer of this rank. */
    static double parameters(Job job) {
        ModelConfig model = job.model();
        LayerWork work = of(job);
        double norms = model.norm() == Norm.LAYER ? 4.0 * model.dim() : 2.0 * model.dim();
        double biases = model.bias() ? work.qkv + work.up + 2.0 * model.dim() : 0;
        return work.weights() + norms + biases;
    }

    /** Trained numbers of the embedding on a rank of the first stage. */
    static double embedding(Job job) {
        ModelConfig model = job.model();
        return (double) model.dim() * model.vocabSize() / job.mesh().tp()
                + (model.positions() == Positions.LEARNED ? (double) model.dim() * model.contextLength() : 0);
    }

    /** All trained numbers of a rank of the first or the last stage of the pipeline, or of both where it has one. */
    static double parameters(Job job, boolean first, boolean last) {
        return job.stageLayers() * parameters(job) + (first ? embedding(job) : 0) + (last ? head(job) : 0);
    }

    /** Trained numbers of the output matrix on a rank of the last stage; a tied one is there again in a pipeline. */
    static double head(Job job) {
        ModelConfig model = job.model();
        boolean own = !model.tieEmbeddings() || job.mesh().pp() > 1;
        return own ? (double) model.dim() * model.vocabSize() / job.mesh().tp() : 0;
    }
}
