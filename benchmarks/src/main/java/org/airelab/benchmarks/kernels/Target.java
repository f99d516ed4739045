package org.airelab.benchmarks.kernels;

import java.util.List;
import org.airelab.benchmarks.report.Gpu;
import org.airelab.benchmarks.report.Report;
import org.airelab.kernels.Family;

/** What kernels are measured on: the processor's cores, or a GPU. */
interface Target {
    /** {@code cpu} or {@code cuda}. */
    String kind();

    /** As rows name it. */
    String name();

    /** Threads of kernels that run on the CPU. */
    int threads();

    Schedule schedule(boolean quick);

    /** The ladders of a family, of its shapes for {@code --quick} or all. */
    List<Ladder> ladders(Family<?> family, boolean quick);

    /** The limits to be measured with them. */
    List<Task.Item> limits();

    /** The roofline of their measurements. */
    Report.Roofline roofline(Measurements measurements);

    /** The GPU and how it did; null for the CPU. */
    Gpu gpu(Measurements measurements);

    /** What a reader has to know of what is missing. */
    List<String> notes();
}
