package org.airelab.kernels.matmul;

import java.util.Objects;
import org.airelab.kernels.cpu.Buffers;

/**
 * What a matrix product computes: C = f(alpha op(A) op(B) + beta C + bias), all matrices row-major and dense.
 *
 * @param m          rows of op(A) and of C, at least 1
 * @param n          columns of op(B) and of C, at least 1
 * @param k          columns of op(A), rows of op(B), at least 1
 * @param transposeA whether op transposes A, which then lies in memory as [k, m] instead of [m, k]
 * @param transposeB whether op transposes B, which then lies in memory as [n, k] instead of [k, n]
 * @param alpha      factor of the product
 * @param beta       factor of C; with 0, C is not read and may hold anything, NaN included
 * @param bias       whether a bias [n] is added to each row
 * @param epilogue   f, applied to each element last
 */
public record MatmulShape(int m, int n, int k, boolean transposeA, boolean transposeB, float alpha, float beta,
        boolean bias, Epilogue epilogue) {
    /** What is applied to each element of a result before it is written. */
    public enum Epilogue {
        /** Nothing. */
        NONE,
        /** GELU by its tanh approximation. */
        GELU,
        /** x / (1 + e^-x). */
        SILU
    }

    public MatmulShape {
        Buffers.atLeast("m", 1, m);
        Buffers.atLeast("n", 1, n);
        Buffers.atLeast("k", 1, k);
        Objects.requireNonNull(epilogue, "epilogue");
    }

    /** The plain product of [m, k] and [k, n]. */
    public static MatmulShape of(int m, int n, int k) {
        return new MatmulShape(m, n, k, false, false, 1, 0, false, Epilogue.NONE);
    }

    /** The same with other transpositions. */
    public MatmulShape transposed(boolean a, boolean b) {
        return new MatmulShape(m, n, k, a, b, alpha, beta, bias, epilogue);
    }

    /** The same with another epilogue. */
    public MatmulShape with(Epilogue other) {
        return new MatmulShape(m, n, k, transposeA, transposeB, alpha, beta, bias, other);
    }

    /** Elements of a row of A as it lies in memory. */
    int widthA() {
        return transposeA ? m : k;
    }

    /** Elements of a row of B as it lies in memory. */
    int widthB() {
        return transposeB ? k : n;
    }

    /** Floating-point operations of the product: 2 m n k. */
    public double flops() {
        return 2.0 * m * n * k;
    }
}
