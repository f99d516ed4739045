package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import org.airelab.torch.Aten;

/**
 * The last norm and the output matrix: x [batch, time, dim] to logits [batch, time, vocabulary]. Of a divided head x is
 * the stream, and a rank computes the logits of its range of the vocabulary.
 */
public final class OutputHead extends LayerBlock {
    private final TensorDivision division;
    private final int vocabulary;
    private final Normalization norm;
    private final Parameter weight;

    /** {@code tied} is the embedding's matrix where the configuration ties them. */
    public OutputHead(ModelConfig config, TensorDivision division, LayerOps ops, Parameter tied) {
        this.division = division;
        this.vocabulary = config.vocabSize();
        norm = config.normPlacement() == ModelConfig.NormPlacement.PRE
                ? child("norm", new Normalization(config, ops)) : null;
        weight = config.tieEmbeddings() ? tied
                : declare("weight", ParameterSpec.Role.MATRIX, Decoder.initStd(config),
                        rows(config, division), vocabulary, config.dim());
    }

    /** What a rank has of a matrix [vocabulary, dim]. */
    static Cut rows(ModelConfig config, TensorDivision division) {
        return division.cut(new long[] {config.vocabSize(), config.dim()}, 0, config.vocabSize());
    }

    /** The normalized stream that the output matrix is applied to, all of it. */
    public NDArray hidden(ParameterStore parameters, NDArray x, boolean training) {
        return division.enter(norm == null ? x : norm.forward(parameters, x, training));
    }

    /** The output matrix [vocabulary, dim], or this rank's rows of it. */
    public Parameter weight() {
        return weight;
    }

    /** Logits of a position on the rank that has the most. */
    public int mostLogits() {
        return Math.ceilDiv(vocabulary, division.ranks());
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray x, boolean training) {
        NDArray hidden = hidden(parameters, x, training);
        return Aten.linear(x.getManager(), hidden, valueAs(parameters, weight, x, training), null);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputs) {
        return new Shape[] {inputs[0].slice(0, 2).add(division.range(vocabulary).size())};
    }
}
