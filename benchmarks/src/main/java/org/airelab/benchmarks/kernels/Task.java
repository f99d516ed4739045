package org.airelab.benchmarks.kernels;

import java.util.List;

/**
 * What one JVM measures.
 *
 * @param items    in the order they are visited
 * @param cold     see {@link KernelBenchmark}
 * @param threads  cores a kernel may use
 * @param accuracy whether to compare results with the references too
 * @param schedule how long
 */
record Task(List<Item> items, boolean cold, int threads, boolean accuracy, Schedule schedule) {
    /** The kernel name of a limit of {@link RooflineBenchmark}, whose workload is one of its methods. */
    static final String ROOFLINE = "roofline";

    /**
     * A kernel on a workload.
     *
     * @param workload id of a workload, or copy or fma
     * @param kernel   a rung, libtorch or {@link #ROOFLINE}
     */
    record Item(String workload, String kernel) {
    }

    /**
     * What the JVM prints, a line each, as soon as it is known.
     *
     * @param item  index in {@link #items()}
     * @param kind  of what
     * @param value milliseconds or error; null where there is none
     */
    record Event(int item, Kind kind, Double value) {
    }

    /** Kinds of events. */
    enum Kind {
        /** The item was compared with the reference: its error, or null where that cannot be. */
        ERROR,
        /** The item is warmed up. */
        WARM,
        /** A sample in milliseconds a call. */
        SAMPLE,
        /** The same, after other programs disturbed every attempt. */
        DISTURBED_SAMPLE
    }

    /** Events the JVM will print. */
    int steps() {
        return items.size() * ((accuracy ? 1 : 0) + 1 + schedule.visits());
    }
}
