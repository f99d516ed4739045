package org.airelab.benchmarks.kernels.workload;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.airelab.torch.Autograd;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.Tensor;

/**
 * libtorch's backward kernels that take a list, a string or a number of any type, none of which the bridge can pass:
 * autograd calls them. The forward pass is recorded when the baseline is bound, and each call runs back through its
 * graph, so that a call costs autograd's own some 9 us beyond the kernel.
 *
 * <p>The CPU's alone: on a GPU, autograd launches from threads of its own, which no timer of ours has on its stream.
 */
final class AutogradBaseline {
    private AutogradBaseline() {
    }

    /**
     * The gradients of a function's arguments.
     *
     * @param function its name
     * @param forward  takes the leaves and gives the function's result
     * @param dy       which operand is the gradient of that result
     * @param leaves   which operands are its arguments, in the order of the written operands that are their gradients
     */
    static Baseline of(String function, Function<NDArray[], NDArray> forward, int dy, int... leaves) {
        return new Baseline(function + "'s backward by autograd", (scope, t) -> bind(forward, scope, t, dy, leaves));
    }

    private static Supplier<Tensor[]> bind(Function<NDArray[], NDArray> forward, NDManager scope, Tensor[] t, int dy,
            int... leaves) {
        try (Autograd.Mode mode = Autograd.recording()) {
            NDArray[] arguments = new NDArray[leaves.length];
            Catch[] caught = new Catch[leaves.length];
            for (int i = 0; i < leaves.length; i++) {
                caught[i] = new Catch();
                scope.attachInternal(NDManager.nextUid(), caught[i]);
                NDArray leaf = Autograd.leaf(scope, t[leaves[i]].share().attach(scope));
                arguments[i] = caught[i].apply(scope, leaf, leaf);
            }
            PtNDArray y = (PtNDArray) forward.apply(arguments);
            PtNDArray slope = (PtNDArray) t[dy].share().attach(scope);
            return () -> {
                JniUtils.backward(y, slope, true, false);
                return Stream.of(caught).map(each -> each.gradient).toArray(Tensor[]::new);
            };
        }
    }

    /** The identity, which keeps its gradient from the leaf: that would add it to those of all calls before. */
    private static final class Catch extends CustomFunction {
        private Tensor gradient;

        @Override
        protected Result forward(Made made, Tensor x, Tensor w) {
            return new Result(made.add(x.view(0, x.shape())), made.add(x.view(0, x.shape())));
        }

        @Override
        protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor w, Tensor saved) {
            gradient = dy.share();
            return new Gradients(null, null);
        }
    }
}
