package org.airelab.benchmarks.kernels.workload;

import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Widths of rows from one warp's to more than a block holds in registers, each about 1.4 times the one before: between
 * them a rung takes every number of threads, and of chunks a thread holds, that it knows. All are odd, so that rows
 * begin anywhere within 16 bytes.
 */
final class RowWidths {
    private static final int LEAST = 101;
    private static final int COUNT = 16;

    private RowWidths() {
    }

    /** Workloads at each width. */
    static List<Workload<?>> each(IntFunction<Stream<Workload<?>>> workloads) {
        return widths().boxed().<Workload<?>>flatMap(workloads::apply).toList();
    }

    private static IntStream widths() {
        return IntStream.range(0, COUNT).map(i -> (int) Math.round(LEAST * Math.pow(2, i / 2.0)) | 1);
    }
}
