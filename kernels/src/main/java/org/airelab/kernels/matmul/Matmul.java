package org.airelab.kernels.matmul;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;

/**
 * The product of two matrices with what is usually fused into its end. Elements are float32, or of the rung's half
 * type (C included, the bias too; sums are formed in float32). Sizes that do not fit are an
 * {@link IllegalArgumentException}. C overlaps no input. NaN and infinities propagate as in float64; the order of sums
 * depends on the shape alone.
 */
public interface Matmul extends Rung {
    Family<Matmul> FAMILY = new Family<>("matmul", new ReferenceMatmul(), List.of(new ScalarMatmul(),
            new BlockedMatmul(), new VectorMatmul(), new PackedMatmul(RegisterTile.widest()),
            new ParallelMatmul(RegisterTile.widest())), CudaMatmuls.rungs());

    /**
     * @param a    [m, k], or [k, m] when transposed
     * @param b    [k, n], or [n, k] when transposed
     * @param bias [n], or null when the shape has none
     * @param c    [m, n], written; read first when beta is not 0
     */
    void multiply(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c);

    /** Checks the arguments of {@link #multiply}, whose elements are of the type given. */
    static void check(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c,
            DType dtype) {
        Buffers.elements("a", a, (long) shape.m() * shape.k(), dtype);
        Buffers.elements("b", b, (long) shape.k() * shape.n(), dtype);
        Buffers.elements("c", c, (long) shape.m() * shape.n(), dtype);
        if (shape.bias() != (bias != null)) {
            throw new IllegalArgumentException(
                    shape.bias() ? "expected a bias, found none" : "expected no bias, found one");
        }
        if (shape.bias()) {
            Buffers.elements("bias", bias, shape.n(), dtype);
        }
    }
}
