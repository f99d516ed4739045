package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import java.util.Arrays;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.airelab.torch.Aten;

/**
 * y = x W^T + b: x [..., in] to y [..., out]; W [out, in], b [out] or none. Ranks may have some rows of W each, and so
 * some columns of y, or some columns of W, which take as many of x; the literature names them by W^T, column-parallel
 * and row-parallel.
 */
public final class Linear extends LayerBlock {
    private final long out;
    private final Parameter weight;
    private final Parameter bias;
    /** Of x and the weight; null where the layer is not divided. */
    private final BinaryOperator<NDArray> product;
    /** All of it, in training; null where that is computed by plain operators. */
    private final UnaryOperator<NDArray> trained;

    private Linear(BinaryOperator<NDArray> product, LayerOps ops, long[] shape, Cut cut, boolean withBias, Cut biasCut,
            double init) {
        this.product = product;
        this.out = cut == null ? shape[0] : cut.shape()[0];
        weight = declare("weight", ParameterSpec.Role.MATRIX, init, cut, shape);
        bias = withBias ? declare("bias", ParameterSpec.Role.BIAS, ParameterSpec.ZEROS, biasCut, shape[0]) : null;
        trained = product == null ? ops.linear(weight, bias) : null;
    }

    /**
     * A layer whose weights start normal around 0 with the given standard deviation, its bias at 0.
     *
     * @param ops computes it in training
     */
    public Linear(LayerOps ops, long in, long out, boolean withBias, double init) {
        this(null, ops, new long[] {out, in}, null, withBias, null, init);
    }

    /**
     * A layer from the stream to this rank's columns.
     *
     * @param parts what is packed in a row of the whole result, each divided among all ranks
     */
    static Linear columns(TensorDivision division, LayerOps ops, long in, boolean withBias, double init,
            long... parts) {
        long out = Arrays.stream(parts).sum();
        if (division.ranks() == 1) {
            return new Linear(ops, in, out, withBias, init);
        }
        long[] shape = {out, in};
        return new Linear(division::columns, ops, shape, division.cut(shape, 0, parts), withBias,
                division.cut(new long[] {out}, 0, parts), init);
    }

    /** A layer from this rank's columns to the stream; its bias, added to the sum, is whole on every rank. */
    static Linear rows(TensorDivision division, LayerOps ops, long in, long out, boolean withBias, double init) {
        if (division.ranks() == 1) {
            return new Linear(ops, in, out, withBias, init);
        }
        long[] shape = {out, in};
        return new Linear(division::rows, ops, shape, division.cut(shape, 1, in), withBias, null, init);
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray x, boolean training) {
        if (training && trained != null) {
            return trained.apply(x);
        }
        NDArray w = valueAs(parameters, weight, x, training);
        NDArray b = valueAs(parameters, bias, x, training);
        if (product == null) {
            return Aten.linear(x.getManager(), x, w, b);
        }
        NDArray y = product.apply(x, w);
        return b == null ? y : y.add(b);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputs) {
        Shape in = inputs[0];
        return new Shape[] {in.slice(0, in.dimension() - 1).add(out)};
    }
}
