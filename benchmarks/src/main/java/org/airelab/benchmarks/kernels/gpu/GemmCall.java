package org.airelab.benchmarks.kernels.gpu;

import org.airelab.kernels.matmul.MatmulShape;

/**
 * A product of row-major matrices as a BLAS takes it, to whom all matrices are column-major (cuBLAS, "cublasSgemm"). It
 * sees each of ours transposed, and C = op(A) op(B) as C^T = op(B)^T op(A)^T: B comes first, and whoever lies in memory
 * transposed is transposed there too.
 *
 * @param transposeFirst  whether the first operand, our B, is transposed
 * @param transposeSecond whether the second, our A, is
 * @param m               rows of its result: our n
 * @param n               columns of its result: our m
 * @param k               length of the sums
 * @param ldFirst         elements from one of its columns of the first operand to the next: our B's rows
 * @param ldSecond        the same of the second
 * @param ldResult        the same of the result
 */
record GemmCall(boolean transposeFirst, boolean transposeSecond, int m, int n, int k, int ldFirst, int ldSecond,
        int ldResult) {
    /** Of a product without bias and epilogue, which no BLAS has. */
    static GemmCall of(MatmulShape s) {
        if (s.bias() || s.epilogue() != MatmulShape.Epilogue.NONE) {
            throw new IllegalArgumentException("expected a product without bias and epilogue, found " + s);
        }
        return new GemmCall(s.transposeB(), s.transposeA(), s.n(), s.m(), s.k(), s.transposeB() ? s.k() : s.n(),
                s.transposeA() ? s.m() : s.k(), s.n());
    }
}
