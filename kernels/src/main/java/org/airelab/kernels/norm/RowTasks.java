package org.airelab.kernels.norm;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cpu.Scratch;

/**
 * Parallel loops over the rows of a matrix, with or without sums over all rows. How the rows are cut depends on the
 * shape alone, so the sums do not depend on the number of threads.
 */
final class RowTasks {
    /** Elements of a task: enough to outweigh its dispatch, few enough to balance. */
    private static final int ELEMENTS = 16384;
    /** Partial sums at most; they also bound the rounding error, as in pairwise summation. */
    private static final int PARTIALS = 32;

    private RowTasks() {}

    interface Rows {
        void accept(int from, int to);
    }

    interface RowsAndSums {
        /** @param sums address of this task's own sums, to be added to */
        void accept(int from, int to, long sums);
    }

    static void forRows(int rows, int width, Rows body) {
        var each = Math.max(1, ELEMENTS / width);
        Parallel.forRange(Parallel.pieces(rows, each),
                task -> body.accept(task * each, Math.min(rows, (task + 1) * each)));
    }

    /** Runs {@code body} on pieces of the rows and writes what they sum up to into {@code totals}, [width]. */
    static void forRowsWithSums(int rows, int width, MemorySegment totals, RowsAndSums body) {
        var each = Math.max(Math.max(1, ELEMENTS / width), (rows + PARTIALS - 1) / PARTIALS);
        var tasks = Parallel.pieces(rows, each);
        var stride = Scratch.aligned(4L * width);
        try (var arena = Arena.ofConfined()) {
            var partials = arena.allocate(Math.max(1, tasks) * stride, 64);
            Parallel.forRange(tasks, task -> body.accept(task * each, Math.min(rows, (task + 1) * each),
                    partials.address() + task * stride));
            totals.fill((byte) 0);
            for (var task = 0; task < tasks; task++) {
                add(partials.address() + task * stride, totals.address(), width);
            }
        }
    }

    private static void add(long from, long to, int count) {
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            store(load(to + 4L * i).add(load(from + 4L * i)), to + 4L * i);
        }
        for (; i < count; i++) {
            set(to + 4L * i, get(to + 4L * i) + get(from + 4L * i));
        }
    }
}
