package org.airelab.benchmarks.kernels.workload;

import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Widths of rows from one warp's to more than a block holds in registers, each about twice the one before. All are odd, so that rows begin
 * anywhere within 16 bytes.
 */
final class RowWidths {
    private static final int LEAST = 101;
    private static final int COUNT = 8;

    private RowWidths() {
    }

    /** Workloads at each width. */
    static List<Workload<?>> each(IntFunction<Stream<Workload<?>>> workloads) {
        return IntStream.iterate(LEAST, width -> 2 * width + 1).limit(COUNT).boxed()
                .<Workload<?>>flatMap(workloads::apply).toList();
    }
}
