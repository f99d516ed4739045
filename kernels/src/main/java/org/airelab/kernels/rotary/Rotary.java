package org.airelab.kernels.rotary;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;

/**
 * Rotary position embedding of packed rows: each pair of elements of the first {@code rotatedHeads} heads of a row is
 * turned by its position's angle, the other heads are copied. Row r has position {@code r % time}.
 *
 * <p>With rows of queries, keys and values, {@code rotatedHeads} is the number of query and key heads. The inverse
 * turns back, which is also the backward pass. Segments are float32 or of the rung's element type, the table always
 * float32, and on CUDA in the device's memory too, see {@link RotaryTable#in}; sizes that do not fit are an
 * {@link IllegalArgumentException}. {@code target} may be {@code source}.
 */
public interface Rotary extends Rung {
    Family<Rotary> FAMILY =
            new Family<>("rotary", new ReferenceRotary(), List.of(new ScalarRotary(),
                    new VectorRotary(Cores.ONE), new VectorRotary(Cores.ALL)), CudaRotary.rungs());

    /**
     * @param source       [rows, heads * headSize] with the table's head size
     * @param target       as source, written
     * @param rows         batch * time
     * @param time         positions of a sequence, at most the table's
     * @param rotatedHeads heads to turn, counted from the first
     * @param heads        heads of a row
     * @param inverse      whether to turn by the negative angle
     */
    void rotate(RotaryTable table, MemorySegment source, MemorySegment target, int rows, int time,
            int rotatedHeads, int heads, boolean inverse);

    /** Checks the arguments of {@link #rotate}. */
    static void check(RotaryTable table, MemorySegment source, MemorySegment target, int rows, int time,
            int rotatedHeads, int heads, DType dtype) {
        Buffers.atLeast("rows", 0, rows);
        Buffers.atLeast("heads", 1, heads);
        if (time < 1 || time > table.maxTime()) {
            throw new IllegalArgumentException("expected a time of 1 to " + table.maxTime() + ", found " + time);
        }
        if (rotatedHeads < 0 || rotatedHeads > heads) {
            throw new IllegalArgumentException("expected 0 to " + heads + " rotated heads, found " + rotatedHeads);
        }
        Buffers.elements("source", source, (long) rows * heads * table.headSize(), dtype);
        Buffers.elements("target", target, (long) rows * heads * table.headSize(), dtype);
    }
}
