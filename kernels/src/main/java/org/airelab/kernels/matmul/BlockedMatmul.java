package org.airelab.kernels.matmul;

import static org.airelab.kernels.cpu.Lanes.get;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Buffers;

/**
 * {@link Matmul} in plain loops over cache blocks.
 *
 * <p>Adds to the scalar rung: blocks of 64 x 64 elements of A, B and C, 16 KiB each, those of C in float64 twice that,
 * so that an element once fetched serves 64 times before it leaves the first-level cache; and an innermost loop along
 * the rows of B and C, whose multiply-adds do not wait for each other. Measured at 256 x 256 x 256 on one core of an
 * Intel Xeon (benchmarks/reports/20261127-Intel-Xeon): 1.4 times the scalar rung, 3.7 GFLOP/s.
 */
final class BlockedMatmul implements Matmul {
    private static final int BLOCK = 64;

    @Override
    public String name() {
        return "blocked";
    }

    @Override
    public void multiply(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c) {
        Matmul.check(shape, a, b, bias, c, DType.FP32);
        var strides = Strides.of(shape);
        var sums = new double[BLOCK * BLOCK];
        for (var i = 0L; i < shape.m(); i += BLOCK) {
            for (var j = 0L; j < shape.n(); j += BLOCK) {
                var rows = (int) Math.min(BLOCK, shape.m() - i);
                var columns = (int) Math.min(BLOCK, shape.n() - j);
                Arrays.fill(sums, 0);
                for (var p = 0L; p < shape.k(); p += BLOCK) {
                    add(rows, columns, (int) Math.min(BLOCK, shape.k() - p), strides,
                            a.address() + i * strides.aRow() + p * strides.aDepth(),
                            b.address() + p * strides.bDepth() + j * strides.bColumn(), sums);
                }
                for (var r = 0; r < rows; r++) {
                    for (var s = 0; s < columns; s++) {
                        ScalarMatmul.finish(shape, (float) sums[r * BLOCK + s], (int) i + r, (int) j + s, bias, c);
                    }
                }
            }
        }
        Buffers.keep(a, b, bias, c);
    }

    private static void add(int rows, int columns, int depth, Strides strides, long a, long b, double[] sums) {
        for (var r = 0; r < rows; r++) {
            for (var p = 0; p < depth; p++) {
                addRow(columns, get(a + r * strides.aRow() + p * strides.aDepth()), b + p * strides.bDepth(),
                        strides.bColumn(), sums, r * BLOCK);
            }
        }
    }

    private static void addRow(int columns, double factor, long b, long bColumn, double[] sums, int first) {
        for (var s = 0; s < columns; s++) {
            sums[first + s] += factor * get(b);
            b += bColumn;
        }
    }
}
