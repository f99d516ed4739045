package org.airelab.kernels.norm;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.RowSharing;

/** Size checks of both norms' arguments, and what of their kernels they have in common. */
final class NormArguments {
    private NormArguments() {}

    static void checkShape(int rows, int width) {
        Buffers.atLeast("rows", 0, rows);
        Buffers.atLeast("width", 1, width);
    }

    private static void checkMatrix(String name, MemorySegment segment, int rows, int width, DType dtype) {
        Buffers.elements(name, segment, (long) rows * width, dtype);
    }

    static void checkForward(MemorySegment x, MemorySegment weight, MemorySegment y, MemorySegment rstd,
            int rows, int width, DType dtype) {
        checkShape(rows, width);
        checkMatrix("x", x, rows, width, dtype);
        Buffers.elements("weight", weight, width, dtype);
        checkMatrix("y", y, rows, width, dtype);
        Buffers.floats("rstd", rstd, rows);
    }

    static void checkBackward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment rstd,
            MemorySegment dx, MemorySegment dWeight, int rows, int width, DType dtype) {
        checkShape(rows, width);
        checkMatrix("dy", dy, rows, width, dtype);
        checkMatrix("x", x, rows, width, dtype);
        Buffers.elements("weight", weight, width, dtype);
        Buffers.floats("rstd", rstd, rows);
        checkMatrix("dx", dx, rows, width, dtype);
        Buffers.elements("dWeight", dWeight, width, dtype);
    }

    /** The second matrix and its sum with the first: both or neither. */
    static void checkSum(MemorySegment added, MemorySegment sum, int rows, int width, DType dtype) {
        checkOptional("added", added, (long) rows * width, dtype);
        if (added != null) {
            checkMatrix("sum", sum, rows, width, dtype);
        }
    }

    /** The source of a rung's kernel; that of the rung block is compiled for sums apart. */
    static KernelSource source(String family, RowSharing sharing, DType dtype, boolean ofSum) {
        var source = KernelSource.of(family + sharing + ".cu", dtype);
        return ofSum && sharing == RowSharing.BLOCK ? source.with("SUM", 1) : source;
    }

    static void checkOptional(String name, MemorySegment segment, long count, DType dtype) {
        if (segment != null) {
            Buffers.elements(name, segment, count, dtype);
        }
    }
}
