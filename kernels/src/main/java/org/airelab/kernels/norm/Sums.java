package org.airelab.kernels.norm;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Parallel;

/** Sums of matrices, on the CPU. */
final class Sums {
    /** Elements of a task: enough to outweigh its dispatch. */
    private static final int ELEMENTS = 16384;

    private Sums() {}

    /** {@code sum = a + b}, all [rows, width] of float32; the sum may be one of the others. */
    static void add(MemorySegment a, MemorySegment b, MemorySegment sum, int rows, int width) {
        NormArguments.checkShape(rows, width);
        var count = (long) rows * width;
        Buffers.floats("a summand", a, count);
        Buffers.floats("a summand", b, count);
        Buffers.floats("the sum", sum, count);
        Parallel.forPieces(count, ELEMENTS,
                (_, from, to) -> add(a.address(), b.address(), sum.address(), 4 * from, 4 * to));
    }

    /** The same of bytes from {@code from} to before {@code to}. */
    private static void add(long a, long b, long sum, long from, long to) {
        var i = from;
        for (; Lanes.available() && i + 4 * COUNT <= to; i += 4 * COUNT) {
            store(load(a + i).add(load(b + i)), sum + i);
        }
        for (; i < to; i += 4) {
            set(sum + i, get(a + i) + get(b + i));
        }
    }
}
