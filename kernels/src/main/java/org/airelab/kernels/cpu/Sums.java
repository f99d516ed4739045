package org.airelab.kernels.cpu;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;

/** Sums of arrays of float32. */
public final class Sums {
    /** Elements of a task: enough to outweigh its dispatch. */
    private static final int ELEMENTS = 16384;

    private Sums() {}

    /** {@code sum = a + b}, all [count]; the sum may be one of the others. */
    public static void add(Cores cores, MemorySegment a, MemorySegment b, MemorySegment sum, long count) {
        Buffers.floats("a summand", a, count);
        Buffers.floats("a summand", b, count);
        Buffers.floats("the sum", sum, count);
        cores.forPieces(count, ELEMENTS,
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
