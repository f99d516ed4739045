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

/** How the rows of a matrix are cut into tasks. That depends on the shape alone. */
final class RowTasks {
    /** Elements of a task: enough to outweigh its dispatch, few enough to balance. */
    private static final int ELEMENTS = 16384;
    /** Partial sums at most; they also bound the rounding error, as in pairwise summation. */
    private static final int PARTIALS = 32;

    /** Numbers of a row added up in float32 at most: the longer such a sum, the more it is off. */
    static final int PIECE = 1024;

    private RowTasks() {}

    /** Rows of a task. */
    static int each(int width) {
        return Math.max(1, ELEMENTS / width);
    }

    /** A place for each task's own sums over its rows: they do not depend on the number of threads. */
    static final class Sums implements AutoCloseable {
        private final Arena arena = Arena.ofConfined();
        private final int each;
        private final int tasks;
        private final int width;
        private final long stride;
        private final long partials;

        /** @param width numbers summed up in each row */
        Sums(int rows, int width) {
            this.each = Math.max(RowTasks.each(width), (rows + PARTIALS - 1) / PARTIALS);
            this.tasks = Parallel.pieces(rows, each);
            this.width = width;
            this.stride = Scratch.aligned(4L * width);
            this.partials = arena.allocate(Math.max(1, tasks) * stride, 64).address();
        }

        /** Rows of a task. */
        int each() {
            return each;
        }

        /** Address of a task's sums, 0 at first. */
        long of(int task) {
            return partials + task * stride;
        }

        /** Writes what all tasks sum up to, in their order: numbers from {@code from} on, as many as fit. */
        void total(int from, MemorySegment totals) {
            totals.fill((byte) 0);
            var count = Math.min(width - from, (int) (totals.byteSize() / Float.BYTES));
            for (var task = 0; task < tasks; task++) {
                add(of(task) + 4L * from, totals.address(), count);
            }
        }

        @Override
        public void close() {
            arena.close();
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
