package org.airelab.kernels.activation;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Parallel;

/**
 * What the vector rungs share: cutting the elements into tasks. The loop over vectors is written out in each rung,
 * because the compiler keeps vectors in registers only where it sees the function it inlines.
 */
abstract class VectorActivation implements Activation {
    private static final int ELEMENTS = 8192;

    @Override
    public final String name() {
        return "vector";
    }

    @Override
    public final boolean available() {
        return Lanes.available();
    }

    @Override
    public final void forward(MemorySegment x, MemorySegment y, long count) {
        Activation.check(x, y, count);
        Parallel.forRange(Parallel.pieces(count, ELEMENTS), task -> {
            var start = 4L * task * ELEMENTS;
            forward(x.address() + start, y.address() + start, elements(task, count));
        });
    }

    @Override
    public final void backward(MemorySegment dy, MemorySegment x, MemorySegment dx, long count) {
        Activation.check(dy, x, dx, count);
        Parallel.forRange(Parallel.pieces(count, ELEMENTS), task -> {
            var start = 4L * task * ELEMENTS;
            backward(dy.address() + start, x.address() + start, dx.address() + start, elements(task, count));
        });
    }

    private static int elements(int task, long count) {
        return (int) Math.min(ELEMENTS, count - (long) task * ELEMENTS);
    }

    /** The forward loop over addresses. */
    abstract void forward(long x, long y, int count);

    /** The backward loop over addresses. */
    abstract void backward(long dy, long x, long dx, int count);
}
