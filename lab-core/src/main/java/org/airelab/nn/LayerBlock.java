package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.ArrayList;
import java.util.List;
import org.airelab.torch.NativeArrays;

/**
 * A DJL block of one input and one output whose parameters get their memory from outside, so that a whole model's
 * weights and gradients lie in two flat buffers. Results belong to the manager of the input.
 */
public abstract class LayerBlock extends AbstractBlock {
    private final List<ParameterSpec> specs = new ArrayList<>();

    /** Declares a parameter of this block. */
    protected final Parameter declare(String name, ParameterSpec.Role role, double init, long... shape) {
        return declare(name, role, init, null, shape);
    }

    /** The same of a parameter that is divided among ranks, where {@code cut} is not null. */
    protected final Parameter declare(String name, ParameterSpec.Role role, double init, Cut cut, long... whole) {
        Parameter parameter = addParameter(Parameter.builder().setName(name).setType(Parameter.Type.OTHER).build());
        specs.add(new ParameterSpec(parameter, name, role, cut == null ? whole : cut.shape(), init, cut));
        return parameter;
    }

    /** Makes another block a part of this one. */
    protected final <B extends LayerBlock> B child(String name, B block) {
        addChildBlock(name, block);
        for (ParameterSpec spec : block.specs()) {
            specs.add(spec.under(name));
        }
        return block;
    }

    /** All parameters of the block and its parts, in the order of their declaration. */
    public final List<ParameterSpec> specs() {
        return List.copyOf(specs);
    }

    /** Computes the block. */
    public abstract NDArray forward(ParameterStore parameters, NDArray x, boolean training);

    /** A parameter's value on x's device, in the type it is kept in. */
    protected static NDArray value(ParameterStore parameters, Parameter parameter, NDArray x, boolean training) {
        return parameter == null ? null : parameters.getValue(parameter, x.getDevice(), training);
    }

    /**
     * A parameter's value converted, under autograd, to x's type. Mixed precision is no more than that: activations
     * run in the low type, weights are converted as they are used, and their gradients come back in the wide type.
     */
    protected static NDArray valueAs(ParameterStore parameters, Parameter parameter, NDArray x, boolean training) {
        NDArray value = value(parameters, parameter, x, training);
        return value == null ? null : NativeArrays.convert(x.getManager(), value, NativeArrays.type(x));
    }

    @Override
    protected final NDList forwardInternal(ParameterStore parameters, NDList inputs, boolean training,
            PairList<String, Object> params) {
        return new NDList(forward(parameters, inputs.singletonOrThrow(), training));
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputs) {
        return inputs;
    }
}
