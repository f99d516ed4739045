package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import org.airelab.kernels.cpu.Lanes;

/**
 * Copies between the caller's rows, where one head's elements lie far apart, and the dense blocks the products need.
 * Addresses and strides are in bytes.
 */
final class HeadPacking {
    private HeadPacking() {}

    /** Copies rows of {@code size} floats, times a factor. */
    static void rows(long from, long fromRow, long to, long toRow, int rows, int size, float factor) {
        for (var r = 0; r < rows; r++) {
            row(from + r * fromRow, to + r * toRow, size, factor);
        }
    }

    private static void row(long from, long to, int size, float factor) {
        var i = 0;
        for (; i + COUNT <= size; i += COUNT) {
            store(load(from + 4L * i).mul(factor), to + 4L * i);
        }
        for (; i < size; i++) {
            set(to + 4L * i, get(from + 4L * i) * factor);
        }
    }

    /** Lays rows of {@code size} floats down as columns of a panel, times a factor; missing columns become 0. */
    static void columns(long from, long fromRow, long panel, int rows, int size, float factor) {
        if (rows < Panel.COLUMNS) {
            Lanes.zero(panel, (long) size * Panel.ROW);
        }
        for (var r = 0; r < rows; r++) {
            column(from + r * fromRow, panel + 4L * r, size, factor);
        }
    }

    private static void column(long from, long to, int size, float factor) {
        for (var i = 0; i < size; i++) {
            set(to + (long) i * Panel.ROW, get(from + 4L * i) * factor);
        }
    }

    /** Writes columns of a panel as rows of {@code size} floats, times a factor. */
    static void fromColumns(long panel, long to, long toRow, int rows, int size, float factor) {
        for (var r = 0; r < rows; r++) {
            fromColumn(panel + 4L * r, to + r * toRow, size, factor);
        }
    }

    private static void fromColumn(long from, long to, int size, float factor) {
        for (var i = 0; i < size; i++) {
            set(to + 4L * i, get(from + (long) i * Panel.ROW) * factor);
        }
    }

    /** Adds a row to another. */
    static void add(long from, long to, int size) {
        var i = 0;
        for (; i + COUNT <= size; i += COUNT) {
            store(load(to + 4L * i).add(load(from + 4L * i)), to + 4L * i);
        }
        for (; i < size; i++) {
            set(to + 4L * i, get(to + 4L * i) + get(from + 4L * i));
        }
    }

    /** The product of two rows. */
    static float dot(long a, long b, int size) {
        var sum = Lanes.broadcast(0f);
        var i = 0;
        for (; i + COUNT <= size; i += COUNT) {
            sum = load(a + 4L * i).fma(load(b + 4L * i), sum);
        }
        var total = Lanes.sum(sum);
        for (; i < size; i++) {
            total += get(a + 4L * i) * get(b + 4L * i);
        }
        return total;
    }
}
