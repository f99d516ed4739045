package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Parameter;
import org.airelab.kernels.optimizer.GradientSum;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.LinearProducts;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * {@code x W^T + b} of parameters: x [..., in], W [out, in]. W and b are converted to x's type. Their gradients are
 * added where the parameters keep them, and autograd is given none: it would convert them first, as tensors of their
 * own.
 */
final class LinearFunction extends CustomFunction {
    private final DeviceKernels kernels;
    private final Parameter weight;
    private final Parameter bias;

    /** {@code bias} is null where there is none. */
    LinearFunction(DeviceKernels kernels, Parameter weight, Parameter bias) {
        this.kernels = kernels;
        this.weight = weight;
        this.bias = bias;
    }

    /** Applies it to x; the result belongs to x's manager. */
    NDArray of(NDArray x) {
        return apply(x.getManager(), x, weight.getArray());
    }

    @Override
    protected Result forward(Made made, Tensor x, Tensor w) {
        // Not w itself: autograd takes what is returned for new.
        Tensor low = made.add(w.type() == x.type() ? w.view(0, w.shape()) : Aten.converted(w, x.type()));
        if (bias == null) {
            return new Result(made.add(LinearProducts.forward(x, low, null)), low);
        }
        try (Tensor b = Tensor.of(bias.getArray()); Tensor lowBias = Aten.converted(b, x.type())) {
            return new Result(made.add(LinearProducts.forward(x, low, lowBias)), low);
        }
    }

    @Override
    protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor w, Tensor low) {
        try (NDManager scope = weight.getArray().getManager().newSubManager();
                Autograd.Mode off = Autograd.notRecording()) {
            NDArray rows = rows(scope, dy);
            NDArray turned = Aten.transpose(scope, rows, 0, 1);
            NDArray gradient = Autograd.gradient(scope, weight.getArray());
            if (x.type() == ScalarType.FLOAT32 && !x.device().isGpu()) {
                Aten.addMatmul(gradient, turned, rows(scope, x));
            } else {
                add(Aten.matmul(scope, turned, rows(scope, x)), gradient);
            }
            if (bias != null) {
                add(rows.sum(new int[] {0}), Autograd.gradient(scope, bias.getArray()));
            }
        }
        return new Gradients(made.add(LinearProducts.inputGradient(dy, low)), null);
    }

    private void add(NDArray addend, NDArray gradient) {
        kernels.of(GradientSum.FAMILY, NativeArrays.type(addend)).add(NativeArrays.kernelMemory(addend),
                addend.size(), NativeArrays.kernelMemory(gradient));
    }

    private static NDArray rows(NDManager scope, Tensor x) {
        long width = x.size(x.shape().length - 1);
        return x.view(0, x.elements() / width, width).attach(scope);
    }
}
