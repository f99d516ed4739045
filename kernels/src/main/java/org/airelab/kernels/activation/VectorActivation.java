package org.airelab.kernels.activation;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Scratch;
import org.airelab.kernels.cpu.VectorRung;

/**
 * What the vector rungs share: cutting the elements into tasks. The loop over vectors is written out in each rung,
 * because the compiler keeps vectors in registers only where it sees the function it inlines. Each has that loop once,
 * for whole vectors: with another one for what is left over, it would be more than the compiler inlines. What is left
 * over comes first, while the loop to come keeps the caller's memory alive.
 */
abstract class VectorActivation extends VectorRung implements Activation {
    private static final int ELEMENTS = 8192;
    /** Lanes of the widest vectors a rung may use. */
    private static final int LANES = Lanes.WIDE.length();
    private static final int BYTES = Lanes.WIDE.vectorByteSize();

    VectorActivation(Cores cores) {
        super(cores);
    }

    @Override
    public final void forward(MemorySegment x, MemorySegment y, long count) {
        Activation.check(x, y, count, DType.FP32);
        var whole = count - count % LANES;
        if (whole < count) {
            var rest = Float.BYTES * (count - whole);
            var lanes = Scratch.address(BYTES);
            Lanes.zero(lanes, BYTES);
            Lanes.copy(x.address() + 4 * whole, lanes, rest);
            forward(lanes, lanes, LANES);
            Lanes.copy(lanes, y.address() + 4 * whole, rest);
        }
        cores().forPieces(whole, ELEMENTS, (_, from, to) -> forward(x.address() + 4 * from, y.address() + 4 * from,
                (int) (to - from)));
    }

    @Override
    public final void backward(MemorySegment dy, MemorySegment x, MemorySegment dx, long count) {
        Activation.check(dy, x, dx, count, DType.FP32);
        var whole = count - count % LANES;
        if (whole < count) {
            var rest = Float.BYTES * (count - whole);
            var lanes = Scratch.address(2 * BYTES);
            Lanes.zero(lanes, 2 * BYTES);
            Lanes.copy(dy.address() + 4 * whole, lanes, rest);
            Lanes.copy(x.address() + 4 * whole, lanes + BYTES, rest);
            backward(lanes, lanes + BYTES, lanes, LANES);
            Lanes.copy(lanes, dx.address() + 4 * whole, rest);
        }
        cores().forPieces(whole, ELEMENTS, (_, from, to) -> backward(dy.address() + 4 * from, x.address() + 4 * from,
                dx.address() + 4 * from, (int) (to - from)));
    }

    /** The forward loop over addresses; {@code count} is a multiple of the widest vectors' lanes. */
    abstract void forward(long x, long y, int count);

    /** The backward loop over addresses; {@code count} is a multiple of the widest vectors' lanes. */
    abstract void backward(long dy, long x, long dx, int count);
}
