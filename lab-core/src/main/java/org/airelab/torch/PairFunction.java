package org.airelab.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * A {@link CustomFunction} with two results, both of which are used: of x, perhaps y, a weight and perhaps a bias. x
 * and y have one gradient, as the parts of a sum do.
 *
 * <p>Its door is an LSTM's cell, {@code _thnn_fused_lstm_cell(input_gates, hidden_gates, cx, input_bias?, hidden_bias?)
 * -> (hy, cy, workspace)} with {@code _backward_impl(grad_hy?, grad_cy?, cx, cy, workspace, has_bias)} that gives the
 * gates' one gradient, cx's and the biases' one. Forward, the hidden bias carries the function's number; it stands for
 * a y that is not there, too. Backward, the number is the size of a dimension of the workspace, in which it repeats
 * itself. The real cell is gone from the process with it.
 */
public abstract non-sealed class PairFunction extends JavaFunction {
    private static final Operator DOOR = Operator.of("aten::_thnn_fused_lstm_cell", "");
    private static boolean open;

    /** Registers the function. */
    protected PairFunction() {
        openDoor();
        super();
    }

    private static synchronized void openDoor() {
        if (!open) {
            for (String dispatchKey : List.of("CPU", "CUDA")) {
                JavaKernels.implement("_thnn_fused_lstm_cell", dispatchKey, "TTT??", PairFunction::enterForward);
                JavaKernels.implement("_thnn_fused_lstm_cell_backward_impl", dispatchKey, "??TTT-",
                        PairFunction::enterBackward);
            }
            open = true;
        }
    }

    /**
     * Computes the function; arguments are contiguous.
     *
     * @param made makes the tensors
     * @param y    null when there is none
     * @param bias null when there is none
     */
    protected abstract Results forward(Made made, Tensor x, Tensor y, Tensor weight, Tensor bias);

    /**
     * Computes the gradients.
     *
     * @param made    makes the tensors
     * @param dFirst  the gradient of the first result, contiguous
     * @param dSecond that of the second, contiguous
     * @param second  the second result
     * @param saved   what {@link #forward} saved
     * @param biased  whether there is a bias
     */
    protected abstract Gradients backward(Made made, Tensor dFirst, Tensor dSecond, Tensor weight, Tensor second,
            Tensor saved, boolean biased);

    /**
     * The results of {@link #forward}, and what {@link #backward} will need beside the second.
     *
     * @param second may have y's memory, or x's, but must not be one of them
     * @param saved  contiguous
     */
    public record Results(Tensor first, Tensor second, Tensor saved) {
    }

    /**
     * Gradients of the arguments.
     *
     * @param dxy   of x, and as well of y
     * @param dBias null where there is none
     */
    public record Gradients(Tensor dxy, Tensor dWeight, Tensor dBias) {
    }

    /** Both results of a function. */
    public record Pair(NDArray first, NDArray second) {
    }

    /**
     * Applies the function, recorded by autograd; the results belong to {@code manager}.
     *
     * @param y    null for none
     * @param bias null for none
     */
    public final Pair apply(NDManager manager, NDArray x, NDArray y, NDArray weight, NDArray bias) {
        NDArray number = Aten.number(manager, number());
        NDArray[] results = DOOR.on(manager).tensor(Aten.contiguous(manager, x))
                .tensor(y == null ? number : Aten.contiguous(manager, y)).tensor(Aten.contiguous(manager, weight))
                .optional(bias == null ? null : Aten.contiguous(manager, bias)).optional(number).results(3);
        number.close();
        results[2].close();
        return new Pair(results[0], results[1]);
    }

    private static Tensor[] enterForward(JavaKernels.Arguments arguments) {
        Made made = new Made();
        try {
            long number = (long) arguments.tensor(4).memory().get(ValueLayout.JAVA_DOUBLE, 0);
            Tensor y = arguments.tensor(1).shape().length == 0 ? null : arguments.tensor(1);
            Results results = function(PairFunction.class, number).forward(made, arguments.tensor(0), y,
                    arguments.tensor(2), arguments.tensor(3));
            Tensor numbered = made.add(Tensor.view(results.saved.handle(), 0,
                    new long[] {number, results.saved.elements()}, new long[] {0, 1}));
            return made.returned(results.first, results.second, numbered);
        } finally {
            made.closeOthers();
        }
    }

    private static Tensor[] enterBackward(JavaKernels.Arguments arguments) {
        Made made = new Made();
        Tensor numbered = arguments.tensor(4);
        if (!arguments.tensor(0).defined() || !arguments.tensor(1).defined()) {
            throw new IllegalStateException("both results of a function of two must be used");
        }
        try (Tensor dFirst = Aten.contiguous(arguments.tensor(0));
                Tensor dSecond = Aten.contiguous(arguments.tensor(1));
                Tensor saved = numbered.view(0, numbered.size(1))) {
            Gradients gradients = function(PairFunction.class, numbered.size(0)).backward(made, dFirst, dSecond,
                    arguments.tensor(2), arguments.tensor(3), saved, (arguments.integer(5) & 1) == 1);
            Tensor dBias = gradients.dBias == null ? Tensor.undefined() : gradients.dBias;
            return made.returned(gradients.dxy, gradients.dWeight, dBias);
        } finally {
            made.closeOthers();
        }
    }
}
