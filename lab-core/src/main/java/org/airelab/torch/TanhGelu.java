package org.airelab.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * ATen's GELU by its tanh approximation, {@code gelu(x, approximate='tanh')}. {@link Operator} cannot pass the string,
 * so the C++ functions that pass a call on to the dispatcher are called by the names they have in the library. A C++
 * exception would end the JVM: arguments are checked here, results have their memory before, and no gradients are
 * recorded, as functions that write into a given tensor refuse to.
 */
public final class TanhGelu {
    /** {@code std::string_view} of GCC's library, with which libtorch is built: length, then address. */
    private static final MemoryLayout TEXT = MemoryLayout.structLayout(JAVA_LONG, ADDRESS);
    private static final MemorySegment TANH = tanh();

    /** {@code at::_ops::gelu_out::call(self, approximate, out)}. */
    private static final MethodHandle FORWARD = function("_ZN2at4_ops8gelu_out4callERKNS_6TensorE"
            + "St17basic_string_viewIcSt11char_traitsIcEERS2_", JAVA_LONG, TEXT, JAVA_LONG);
    /** {@code at::_ops::gelu_backward_grad_input::call(grad_output, self, approximate, grad_input)}. */
    private static final MethodHandle BACKWARD = function("_ZN2at4_ops24gelu_backward_grad_input4callERKNS_6TensorES4_"
            + "St17basic_string_viewIcSt11char_traitsIcEERS2_", JAVA_LONG, JAVA_LONG, TEXT, JAVA_LONG);

    private TanhGelu() {
    }

    /**
     * The function of each element of x, contiguous; the caller's.
     *
     * @throws IllegalArgumentException when x is not of floating-point numbers
     */
    public static Tensor forward(Tensor x) {
        Tensor y = like(x);
        try (Autograd.Mode mode = Autograd.notRecording()) {
            Libtorch.call("aten::gelu", () -> {
                MemorySegment result = (MemorySegment) FORWARD.invokeExact(x.handle(), TANH, y.handle());
                return 0;
            });
        }
        return y;
    }

    /**
     * The gradient of x, contiguous; the caller's.
     *
     * @param dy the gradient of the function's result
     * @throws IllegalArgumentException when x is not of floating-point numbers, or dy is not of its type, shape and
     *                                  device
     */
    public static Tensor backward(Tensor dy, Tensor x) {
        if (dy.type() != x.type() || !dy.device().equals(x.device()) || !Arrays.equals(dy.shape(), x.shape())) {
            throw new IllegalArgumentException("expected a gradient of " + text(x) + ", found " + text(dy));
        }
        Tensor dx = like(x);
        try (Autograd.Mode mode = Autograd.notRecording()) {
            Libtorch.call("aten::gelu_backward", () -> {
                MemorySegment result = (MemorySegment) BACKWARD.invokeExact(dy.handle(), x.handle(), TANH, dx.handle());
                return 0;
            });
        }
        return dx;
    }

    private static String text(Tensor x) {
        return x.type() + " " + Arrays.toString(x.shape()) + " on " + x.device();
    }

    private static Tensor like(Tensor x) {
        if (!x.type().floating()) {
            throw new IllegalArgumentException("expected floating-point numbers, found " + x.type());
        }
        return Tensor.empty(x.type(), x.device(), x.shape());
    }

    private static MemorySegment tanh() {
        MemorySegment text = Arena.global().allocate(TEXT);
        text.set(JAVA_LONG, 0, "tanh".length());
        text.set(ADDRESS, Long.BYTES, Libtorch.string("tanh"));
        return text;
    }

    /** A function that returns a reference to its last argument. */
    private static MethodHandle function(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(Libtorch.symbol(name), FunctionDescriptor.of(ADDRESS, arguments));
    }
}
