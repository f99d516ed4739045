package org.airelab.kernels.matmul;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Scratch;

/**
 * Copies of a few rows of op(A), or columns of op(B), in the order in which {@link RegisterTile} reads them: [depth,
 * width]. Both are called lines here. Addresses and strides are in bytes.
 */
final class Panels {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final MemorySegment M = Lanes.MEMORY;
    private static final long LOW = 0xffffffffL;
    /** Bytes that may be written behind the last step: the lanes of a vector. */
    private static final long OVERHANG = 4L * Transposition.SIZE;

    private Panels() {}

    /** Bytes of a panel, with room for the lanes that {@link #copy} writes too many. */
    static long bytes(int width, int depth) {
        return Scratch.aligned(4L * width * depth + OVERHANG);
    }

    /**
     * Makes some steps of a panel; lines beyond {@code lines} become zeros. Whole vectors are written, so a step may
     * end in the place of the next ones: steps must be made in ascending order.
     *
     * @param width  lines of the panel
     * @param from   address of the first element
     * @param across from one line to the next; this or {@code along} is the size of an element
     * @param along  from one element of a line to the next
     * @param to     address of the first step made
     */
    static void copy(int width, int lines, int steps, long from, long across, long along, long to) {
        var step = 4L * width;
        if (across == Float.BYTES) {
            // From the last lanes to the first: what is written too many at the end of a step is then overwritten.
            for (var x = (width - 1) / Lanes.COUNT * Lanes.COUNT; x >= 0; x -= Lanes.COUNT) {
                var count = Math.min(width, lines) - x;
                if (count >= Lanes.COUNT) {
                    eight(steps, from + 4L * x, along, to + 4L * x, step);
                } else {
                    fewer(Math.max(0, count), steps, from + 4L * x, along, to + 4L * x, step);
                }
            }
            return;
        }
        var done = Transposition.AVAILABLE ? steps / Transposition.SIZE * Transposition.SIZE : 0;
        transpose(width, lines, done, from, across, to);
        if (done < steps) {
            byPairs(width, lines, steps - done, from + 4L * done, across, to + step * done);
        }
    }

    private static void transpose(int width, int lines, int steps, long from, long across, long to) {
        var step = 4L * width;
        for (var k = 0; k < steps; k += Transposition.SIZE) {
            for (var x = (width - 1) / Transposition.SIZE * Transposition.SIZE; x >= 0; x -= Transposition.SIZE) {
                Transposition.run(lines - x, from + x * across + 4L * k, across, to + k * step + 4L * x, step);
            }
        }
    }

    private static void byPairs(int width, int lines, int steps, long from, long across, long to) {
        var step = 4L * width;
        if (lines < width) {
            Lanes.zero(to, step * steps);
        }
        var x = 0;
        for (; x + 2 <= lines; x += 2) {
            twoLines(steps, from + x * across, across, to + 4L * x, step);
        }
        if (x < lines) {
            line(steps, from + x * across, to + 4L * x, step);
        }
    }

    private static void eight(int steps, long from, long along, long to, long step) {
        for (var k = 0; k < steps; k++) {
            fromMemorySegment(F, M, from, LITTLE_ENDIAN).intoMemorySegment(M, to, LITTLE_ENDIAN);
            from += along;
            to += step;
        }
    }

    /** Reads no more than it may, but writes eight. */
    private static void fewer(int count, int steps, long from, long along, long to, long step) {
        var mask = F.indexInRange(0, count);
        for (var k = 0; k < steps; k++) {
            fromMemorySegment(F, M, from, LITTLE_ENDIAN, mask).intoMemorySegment(M, to, LITTLE_ENDIAN);
            from += along;
            to += step;
        }
    }

    /** Two elements a load and two a store: 64-bit words of two lines are exchanged as a 2 x 2 matrix. */
    private static void twoLines(int steps, long from, long across, long to, long step) {
        var k = 0;
        for (; k + 2 <= steps; k += 2) {
            var x = M.get(JAVA_LONG_UNALIGNED, from);
            var y = M.get(JAVA_LONG_UNALIGNED, from + across);
            M.set(JAVA_LONG_UNALIGNED, to, x & LOW | y << 32);
            M.set(JAVA_LONG_UNALIGNED, to + step, x >>> 32 | y & ~LOW);
            from += 8;
            to += 2 * step;
        }
        if (k < steps) {
            set(to, get(from));
            set(to + 4, get(from + across));
        }
    }

    private static void line(int steps, long from, long to, long step) {
        for (var k = 0; k < steps; k++) {
            set(to, get(from));
            from += Float.BYTES;
            to += step;
        }
    }
}
