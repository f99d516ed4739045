package org.airelab.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;

/**
 * A differentiable function of one or two tensors whose forward and backward are Java methods on the CPU, as
 * {@code torch.autograd.Function} is in Python.
 *
 * <p>PyTorch's C interface has no door for such a function, so one is borrowed: {@code _weight_norm_interface(v, g,
 * dim) -> (out, saved)} and its {@code _backward(grad, v, g, saved, dim) -> (dv, dg)} have signatures without lists,
 * and PyTorch's derivative formula passes everything through unread; {@code dim} carries the function's number. The
 * real weight norm is gone from the process with it. Functions are never unregistered: make one per configuration,
 * not one per call.
 */
public abstract class CustomFunction {
    private static final Operator DOOR = Operator.of("aten::_weight_norm_interface", "");
    private static final List<CustomFunction> FUNCTIONS = new ArrayList<>();

    private final int number;

    /** Registers the function. */
    protected CustomFunction() {
        synchronized (FUNCTIONS) {
            if (FUNCTIONS.isEmpty()) {
                JavaKernels.implement("_weight_norm_interface", "CPU", 2, CustomFunction::enterForward);
                JavaKernels.implement("_weight_norm_interface_backward", "CPU", 4, CustomFunction::enterBackward);
            }
            number = FUNCTIONS.size();
            FUNCTIONS.add(this);
        }
    }

    /**
     * Computes the function.
     *
     * @param x the first argument, contiguous
     * @param w the second argument, contiguous; what {@link #apply(NDManager, NDArray, NDArray)} was given
     * @return the result, and one tensor kept for {@link #backward} (it may be a {@link Tensor#share()} of another)
     */
    protected abstract Result forward(Tensor x, Tensor w);

    /**
     * Computes the gradients.
     *
     * @param dy the gradient of the result, contiguous
     * @return the gradients of x and of w; a null second means that w has none
     */
    protected abstract Gradients backward(Tensor dy, Tensor x, Tensor w, Tensor saved);

    /** The result of {@link #forward}, and what {@link #backward} will need. */
    public record Result(Tensor y, Tensor saved) {
    }

    /** Gradients of the two arguments. */
    public record Gradients(Tensor dx, Tensor dw) {
    }

    /** Applies the function, recorded by autograd; the result belongs to {@code manager}. */
    public final NDArray apply(NDManager manager, NDArray x, NDArray w) {
        NDArray[] results = DOOR.on(manager).tensor(x).tensor(w).integer(number).results(2);
        results[1].close();
        return results[0];
    }

    private static CustomFunction function(long number) {
        synchronized (FUNCTIONS) {
            return FUNCTIONS.get((int) number);
        }
    }

    private static Tensor[] enterForward(JavaKernels.Arguments arguments) {
        Result result = function(arguments.integer(2)).forward(arguments.tensor(0), arguments.tensor(1));
        return new Tensor[] {result.y, result.saved};
    }

    private static Tensor[] enterBackward(JavaKernels.Arguments arguments) {
        CustomFunction function = function(arguments.integer(4));
        try (Tensor dy = Aten.contiguous(arguments.tensor(0))) {
            Gradients gradients = function.backward(dy, arguments.tensor(1), arguments.tensor(2), arguments.tensor(3));
            return new Tensor[] {gradients.dx, gradients.dw == null ? Tensor.undefined() : gradients.dw};
        }
    }
}
