package org.airelab.torch;

/**
 * The products of a linear layer, forward and backward, for functions written in Java: contiguous
 * tensors x [..., in], w [out, in] and y, dy [..., out] of one type. Results are the caller's.
 */
public final class LinearProducts {
    private static final Operator LINEAR = Operator.of("aten::linear", "");
    private static final Operator MATMUL = Operator.of("aten::matmul", "");
    private static final Operator MM = Operator.of("aten::mm", "");
    private static final Operator TRANSPOSE = Operator.of("aten::transpose", "int");

    private LinearProducts() {
    }

    /** {@code y = x w^T}. */
    public static Tensor forward(Tensor x, Tensor w) {
        return forward(x, w, null);
    }

    /** {@code y = x w^T + bias}, the bias [out] or null. */
    public static Tensor forward(Tensor x, Tensor w, Tensor bias) {
        Operator.Call call = LINEAR.call().tensor(x).tensor(w);
        return (bias == null ? call.none() : call.optional(bias)).tensors(1)[0];
    }

    /** {@code dx = dy w}. */
    public static Tensor inputGradient(Tensor dy, Tensor w) {
        return MATMUL.call().tensor(dy).tensor(w).tensors(1)[0];
    }

    /** {@code dw = dy^T x}, over all rows. */
    public static Tensor weightGradient(Tensor dy, Tensor x) {
        try (Tensor rows = rows(dy); Tensor others = rows(x);
                Tensor turned = TRANSPOSE.call().tensor(rows).integer(0).integer(1).tensors(1)[0]) {
            return MM.call().tensor(turned).tensor(others).tensors(1)[0];
        }
    }

    private static Tensor rows(Tensor x) {
        long width = x.size(x.shape().length - 1);
        return x.view(0, x.elements() / width, width);
    }
}
