package org.airelab.kernels.norm;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Buffers;

/** Size checks of both norms' arguments. */
final class NormArguments {
    private NormArguments() {}

    static void checkShape(int rows, int width) {
        Buffers.atLeast("rows", 0, rows);
        Buffers.atLeast("width", 1, width);
    }

    static void checkMatrix(String name, MemorySegment segment, int rows, int width) {
        Buffers.floats(name, segment, (long) rows * width);
    }

    static void checkForward(MemorySegment x, MemorySegment weight, MemorySegment y, MemorySegment rstd,
            int rows, int width) {
        checkShape(rows, width);
        checkMatrix("x", x, rows, width);
        Buffers.floats("weight", weight, width);
        checkMatrix("y", y, rows, width);
        Buffers.floats("rstd", rstd, rows);
    }

    static void checkBackward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment rstd,
            MemorySegment dx, MemorySegment dWeight, int rows, int width) {
        checkShape(rows, width);
        checkMatrix("dy", dy, rows, width);
        checkMatrix("x", x, rows, width);
        Buffers.floats("weight", weight, width);
        Buffers.floats("rstd", rstd, rows);
        checkMatrix("dx", dx, rows, width);
        Buffers.floats("dWeight", dWeight, width);
    }

    static void checkOptional(String name, MemorySegment segment, int count) {
        if (segment != null) {
            Buffers.floats(name, segment, count);
        }
    }
}
