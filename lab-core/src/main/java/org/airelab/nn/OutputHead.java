package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import org.airelab.torch.Aten;

/** The last norm and the output matrix: x [batch, time, dim] to logits [batch, time, vocabulary]. */
public final class OutputHead extends LayerBlock {
    private final ModelConfig config;
    private final Normalization norm;
    private final Parameter weight;

    /** {@code tied} is the embedding's matrix where the configuration ties them. */
    public OutputHead(ModelConfig config, LayerOps ops, Parameter tied) {
        this.config = config;
        norm = config.normPlacement() == ModelConfig.NormPlacement.PRE ? child("norm", new Normalization(config, ops)) : null;
        weight = config.tieEmbeddings() ? tied
                : declare("weight", ParameterSpec.Role.MATRIX, Decoder.initStd(config), config.vocabSize(), config.dim());
    }

    /** The normalized stream that the output matrix is applied to. */
    public NDArray hidden(ParameterStore parameters, NDArray x, boolean training) {
        return norm == null ? x : norm.forward(parameters, x, training);
    }

    /** The output matrix [vocabulary, dim]. */
    public Parameter weight() {
        return weight;
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray x, boolean training) {
        NDArray hidden = hidden(parameters, x, training);
        return Aten.linear(x.getManager(), hidden, valueAs(parameters, weight, x, training), null);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputs) {
        return new Shape[] {inputs[0].slice(0, 2).add(config.vocabSize())};
    }
}
