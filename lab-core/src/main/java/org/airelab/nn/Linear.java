package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import org.airelab.torch.Aten;

/** y = x W^T + b: x [..., in] to y [..., out]; W [out, in], b [out] or none. */
public final class Linear extends LayerBlock {
    private final long out;
    private final Parameter weight;
    private final Parameter bias;

    /** A layer whose weights start normal around 0 with the given standard deviation, its bias at 0. */
    public Linear(long in, long out, boolean withBias, double init) {
        this.out = out;
        weight = declare("weight", ParameterSpec.Role.MATRIX, init, out, in);
        bias = withBias ? declare("bias", ParameterSpec.Role.BIAS, ParameterSpec.ZEROS, out) : null;
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray x, boolean training) {
        return Aten.linear(x.getManager(), x, valueAs(parameters, weight, x, training),
                valueAs(parameters, bias, x, training));
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputs) {
        Shape in = inputs[0];
        return new Shape[] {in.slice(0, in.dimension() - 1).add(out)};
    }
}
