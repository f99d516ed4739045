package org.airelab.torch;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;

/** What the layer-wise engine needs of autograd: cuts, backward passes from a given gradient, gradients in place. */
public final class Autograd {
    private static final Operator SET = Operator.of("aten::set_", "source_Tensor");

    private Autograd() {
    }

    /** Recording switched on or off for this thread until closed. */
    public static final class Mode implements AutoCloseable {
        private final boolean before = enabled();

        private Mode(boolean recording) {
            set(recording);
        }

        @Override
        public void close() {
            set(before);
        }
    }

    /** Records operators: the mode training runs in. */
    public static Mode recording() {
        return new Mode(true);
    }

    /** Records nothing: for evaluation, generation and updates. */
    public static Mode notRecording() {
        return new Mode(false);
    }

    /** The cut between two layers: the same memory as a leaf of a new graph that wants a gradient. */
    public static NDArray leaf(NDManager scope, NDArray x) {
        PtNDArray leaf = JniUtils.detachGradient((PtNDArray) x);
        JniUtils.attachGradient(leaf, true);
        leaf.attach(scope);
        return leaf;
    }

    /**
     * Runs the graph behind {@code y} backwards and frees it; gradients add to those the leaves have.
     *
     * @param dy the gradient of y, of its shape and dtype
     */
    public static void backward(NDArray y, NDArray dy) {
        try {
            JniUtils.backward((PtNDArray) y, (PtNDArray) dy, false, false);
        } catch (EngineException e) {
            JavaKernels.rethrowAfterBackward();
            throw e;
        }
        JavaKernels.rethrowAfterBackward();
    }

    /** The gradient of a leaf after a backward pass, owned by {@code scope}. */
    public static NDArray gradient(NDManager scope, NDArray leaf) {
        NDArray gradient = leaf.getGradient();
        gradient.attach(scope);
        return gradient;
    }

    /**
     * Makes {@code parameter} a leaf whose gradient lives in {@code gradient}'s memory, so that backward passes add
     * to that memory in place. Both have one shape and dtype; the caller fills the gradient with zeros.
     */
    public static void accumulateInto(NDArray parameter, Tensor gradient) {
        parameter.setRequiresGradient(true);
        NDManager manager = parameter.getManager();
        try (NDManager scope = manager.newSubManager(); Mode recording = recording()) {
            // A tiny backward pass makes autograd create the gradient, which can then be moved.
            NDArray sum = parameter.sum();
            sum.attach(scope);
            NDArray one = sum.onesLike();
            one.attach(scope);
            backward(sum, one);
            NDArray own = gradient(scope, parameter);
            set(false);
            for (Tensor moved : SET.call().tensor(own).tensor(gradient).tensors(1)) {
                moved.close();
            }
        }
    }

    /** A scalar 1 of {@code like}'s dtype: what starts a backward pass at a loss. */
    public static NDArray one(NDManager scope, NDArray like) {
        NDArray one = scope.ones(new Shape());
        return like.getDataType() == one.getDataType() ? one : one.toType(like.getDataType(), false);
    }

    private static boolean enabled() {
        try {
            return (boolean) Libtorch.GRAD_MODE.invokeExact();
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static void set(boolean recording) {
        try {
            Libtorch.SET_GRAD_MODE.invokeExact(recording);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
