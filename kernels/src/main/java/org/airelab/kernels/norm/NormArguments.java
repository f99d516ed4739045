package org.airelab.kernels.norm;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Buffers;

/** Size checks of both norms' arguments. */
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

    static void checkOptional(String name, MemorySegment segment, int count, DType dtype) {
        if (segment != null) {
            Buffers.elements(name, segment, count, dtype);
        }
    }
}
