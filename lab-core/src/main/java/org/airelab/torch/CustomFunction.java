package org.airelab.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;

/**
 * A differentiable function of one or two tensors of a CPU or a GPU whose forward and backward are Java methods, as
 * {@code torch.autograd.Function} is in Python.
 *
 * <p>PyTorch's C interface has no door for such a function, so one is borrowed: {@code _weight_norm_interface(v, g,
 * dim) -> (out, saved)} and its {@code _backward(grad, v, g, saved, dim) -> (dv, dg)} have signatures without lists,
 * and PyTorch's derivative formula passes everything through unread; {@code dim} carries the function's number. The
 * real weight norm is gone from the process with it.
 */
public abstract non-sealed class CustomFunction extends JavaFunction {
    private static final Operator DOOR = Operator.of("aten::_weight_norm_interface", "");
    private static boolean open;

    /** Registers the function. */
    protected CustomFunction() {
        openDoor();
        super();
    }

    private static synchronized void openDoor() {
        if (!open) {
            for (String dispatchKey : List.of("CPU", "CUDA")) {
                JavaKernels.implement("_weight_norm_interface", dispatchKey, "TT-", CustomFunction::enterForward);
                JavaKernels.implement("_weight_norm_interface_backward", dispatchKey, "TTTT-",
                        CustomFunction::enterBackward);
            }
            open = true;
        }
    }

    /**
     * Computes the function.
     *
     * @param made makes the tensors
     * @param x    the first argument, contiguous
     * @param w    the second argument, contiguous
     * @return the result, and one tensor kept for {@link #backward} (it may be a {@link Tensor#share()} of another)
     */
    protected abstract Result forward(Made made, Tensor x, Tensor w);

    /**
     * Computes the gradients.
     *
     * @param made makes the tensors
     * @param dy   the gradient of the result, contiguous
     * @return the gradients of x and of w; null for one that autograd gets none of
     */
    protected abstract Gradients backward(Made made, Tensor dy, Tensor x, Tensor w, Tensor saved);

    /** The result of {@link #forward}, and what {@link #backward} will need. */
    public record Result(Tensor y, Tensor saved) {
    }

    /** Gradients of the two arguments. */
    public record Gradients(Tensor dx, Tensor dw) {
    }

    /** Applies the function, recorded by autograd; the result belongs to {@code manager}. */
    public final NDArray apply(NDManager manager, NDArray x, NDArray w) {
        NDArray first = Aten.contiguous(manager, x);
        NDArray second = w == x ? first : Aten.contiguous(manager, w);
        NDArray[] results = DOOR.on(manager).tensor(first).tensor(second).integer(number()).results(2);
        results[1].close();
        return results[0];
    }

    private static Tensor[] enterForward(JavaKernels.Arguments arguments) {
        Made made = new Made();
        try {
            Result result = function(CustomFunction.class, arguments.integer(2)).forward(made, arguments.tensor(0),
                    arguments.tensor(1));
            return made.returned(result.y, result.saved);
        } finally {
            made.closeOthers();
        }
    }

    private static Tensor[] enterBackward(JavaKernels.Arguments arguments) {
        Made made = new Made();
        try (Tensor dy = Aten.contiguous(arguments.tensor(0))) {
            Gradients gradients = function(CustomFunction.class, arguments.integer(4)).backward(made, dy,
                    arguments.tensor(1), arguments.tensor(2), arguments.tensor(3));
            return made.returned(orUndefined(gradients.dx), orUndefined(gradients.dw));
        } finally {
            made.closeOthers();
        }
    }

    private static Tensor orUndefined(Tensor gradient) {
        return gradient == null ? Tensor.undefined() : gradient;
    }
}
