package org.airelab.kernels.matmul;

/**
 * Where the elements of op(A) and op(B) lie, in bytes.
 *
 * @param aRow    from one row of op(A) to the next
 * @param aDepth  from one column of op(A) to the next
 * @param bDepth  from one row of op(B) to the next
 * @param bColumn from one column of op(B) to the next
 */
record Strides(long aRow, long aDepth, long bDepth, long bColumn) {
    static Strides of(MatmulShape shape) {
        var element = (long) Float.BYTES;
        return new Strides(
                shape.transposeA() ? element : element * shape.k(), shape.transposeA() ? element * shape.m() : element,
                shape.transposeB() ? element : element * shape.n(), shape.transposeB() ? element * shape.k() : element);
    }
}
