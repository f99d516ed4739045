package org.airelab.benchmarks.kernels.gpu;

/** Times calls of a work on the device; what warm and cold mean is said on the package's page. */
interface GpuTimer extends AutoCloseable {
    /** Calls of a pass. */
    int calls();

    /** Makes a pass and waits for it: the device's milliseconds for all its calls. */
    double pass();

    /** Whether the calls are replayed by a graph, or at least would be if it were for the work. */
    boolean asWanted();

    @Override
    void close();
}
