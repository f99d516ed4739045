package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Parameter;
import org.airelab.kernels.embedding.Embedding;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.Tensor;

/**
 * Rows of a parameter [vocabulary, dim] by int64 ids of any shape. Their gradients are added to the rows where the
 * parameter keeps its gradient, and autograd is given none: it would be a table of its own, almost all of it zeros.
 */
final class EmbeddingFunction extends CustomFunction {
    private final DeviceKernels kernels;
    private final Parameter weight;

    EmbeddingFunction(DeviceKernels kernels, Parameter weight) {
        this.kernels = kernels;
        this.weight = weight;
    }

    /** The rows of ids; the result belongs to their manager. */
    NDArray of(NDArray ids) {
        return apply(ids.getManager(), weight.getArray(), ids);
    }

    @Override
    protected Result forward(Made made, Tensor table, Tensor ids) {
        return new Result(made.add(Aten.embedding(table, ids)), made.like(table, 0));
    }

    @Override
    protected Gradients backward(Made made, Tensor dy, Tensor table, Tensor ids, Tensor saved) {
        try (NDManager scope = weight.getArray().getManager().newSubManager()) {
            NDArray gradient = Autograd.gradient(scope, weight.getArray());
            kernels.of(Embedding.FAMILY, table.type()).scatterAdd(dy.kernelMemory(), ids.kernelMemory(),
                    NativeArrays.kernelMemory(gradient), (int) ids.elements(), (int) table.size(0),
                    (int) table.size(1));
        }
        return new Gradients(null, null);
    }
}
