package org.airelab.torch;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A differentiable function written in Java, and the number by which libtorch calls it back. A function is registered
 * until it is closed: make one per configuration, not one per call, and close it when no graph that it is part of is
 * left.
 */
public abstract sealed class JavaFunction implements AutoCloseable permits CustomFunction, PairFunction {
    private static final Map<Long, JavaFunction> FUNCTIONS = new HashMap<>();
    private static long last;

    private final long number;

    /** Registers the function. */
    JavaFunction() {
        synchronized (FUNCTIONS) {
            number = ++last;
            FUNCTIONS.put(number, this);
        }
    }

    /** What {@link #function} finds it by, 1 or more. */
    final long number() {
        return number;
    }

    /** The tensors made in one call. Those that it does not return, all of them when it fails, are closed after it. */
    public static final class Made {
        private final List<Tensor> tensors = new ArrayList<>();

        Made() {
        }

        /** Uninitialised memory of a tensor's type on its device. */
        public Tensor like(Tensor tensor, long... shape) {
            return add(Tensor.empty(tensor.type(), tensor.device(), shape));
        }

        /** Uninitialised float32 memory on a tensor's device. */
        public Tensor floatsBeside(Tensor tensor, long... shape) {
            return add(Tensor.empty(ScalarType.FLOAT32, tensor.device(), shape));
        }

        /** Takes in a tensor made in another way. */
        public Tensor add(Tensor tensor) {
            tensors.add(tensor);
            return tensor;
        }

        /** Takes out those that are returned, in their order. */
        Tensor[] returned(Tensor... results) {
            List.of(results).forEach(tensors::remove);
            return results;
        }

        void closeOthers() {
            tensors.forEach(Tensor::close);
        }
    }

    /** Functions registered and not closed, in the whole process. */
    public static int live() {
        synchronized (FUNCTIONS) {
            return FUNCTIONS.size();
        }
    }

    /** Forgets the function: applying it fails from now on, and so do backward passes through it. */
    @Override
    public void close() {
        synchronized (FUNCTIONS) {
            FUNCTIONS.remove(number);
        }
    }

    /** The function of a number. */
    static <F extends JavaFunction> F function(Class<F> kind, long number) {
        synchronized (FUNCTIONS) {
            JavaFunction function = FUNCTIONS.get(number);
            if (function == null) {
                throw new IllegalStateException("the function was closed");
            }
            return kind.cast(function);
        }
    }
}
