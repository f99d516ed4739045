package org.airelab.benchmarks.kernels;

import java.util.List;
import org.airelab.benchmarks.kernels.gpu.Measured;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.GpuReadings;

/**
 * What one JVM measures.
 *
 * @param cuda     on the first GPU instead of the CPU
 * @param items    in the order they are visited
 * @param cold     see {@link KernelBenchmark}, and for a GPU the page of {@code kernels.gpu}
 * @param threads  cores a kernel may use
 * @param accuracy whether to compare results with the references, and do nothing else: a JVM that has done so keeps
 *                 memory and threads from it, and measures up to a fifth more than the others
 * @param schedule how long
 */
record Task(boolean cuda, List<Item> items, boolean cold, int threads, boolean accuracy, Schedule schedule) {
    /**
     * The kernel name of a limit, whose workload is a method of {@link RooflineBenchmark}, or on a GPU a
     * {@link org.airelab.benchmarks.kernels.gpu.Limit}.
     */
    static final String ROOFLINE = Measured.ROOFLINE;

    /**
     * A kernel on a workload.
     *
     * @param workload id of a workload, or a limit's name
     * @param kernel   a rung, a library or {@link #ROOFLINE}
     * @param dtype    element type
     */
    record Item(String workload, String kernel, DType dtype) {
        /** An item of the CPU, where all is float32. */
        Item(String workload, String kernel) {
            this(workload, kernel, DType.FP32);
        }
    }

    /**
     * What the JVM prints, a line each, as soon as it is known.
     *
     * @param item       index in {@link #items()}
     * @param kind       of what
     * @param value      milliseconds; null where there is none
     * @param comparison of an item that was compared with the reference and has results; else null
     * @param text       why there is no value
     * @param gpu        the GPU's state right after
     */
    record Event(int item, Kind kind, Double value, Accuracy.Comparison comparison, String text, GpuReadings gpu) {
        /** Of no comparison. */
        Event(int item, Kind kind, Double value, String text, GpuReadings gpu) {
            this(item, kind, value, null, text, gpu);
        }

        /** Of the CPU. */
        Event(int item, Kind kind, Double value) {
            this(item, kind, value, null, null);
        }

        /** Of a comparison; null where there is none, and one of no results counts as none. */
        static Event of(int item, Accuracy.Comparison comparison) {
            return new Event(item, Kind.ERROR, null,
                    comparison == null || comparison.errors().isEmpty() ? null : comparison, null, null);
        }
    }

    /** Kinds of events. */
    enum Kind {
        /** The item was compared with the reference: the comparison, or null where that cannot be. */
        ERROR,
        /** The item is warmed up. */
        WARM,
        /** The next iteration can begin as soon as it is the JVM's turn. */
        READY,
        /** A sample in milliseconds a call. */
        SAMPLE,
        /** The same, after other programs disturbed every attempt. */
        DISTURBED_SAMPLE,
        /** A sample of calls that could not be put into a graph, as a GPU's should be. */
        EAGER_SAMPLE,
        /** A library cannot do the workload here, or the build has no such kernel; no sample of it follows. */
        ABSENT
    }

    /** Events the JVM will print. */
    int steps() {
        return items.size() * (accuracy ? 1 : 1 + schedule.visits());
    }
}
