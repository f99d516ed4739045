package org.airelab.benchmarks.kernels;

import org.airelab.benchmarks.kernels.gpu.CudaBenchmark;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** A run of JMH, within this JVM, for an item of a task. */
final class Visit {
    private Visit() {
    }

    /**
     * Milliseconds of a call: the least of the iterations' means, after an iteration that is left out.
     *
     * @param millis how long an iteration lasts at least
     */
    static double millis(Task task, Task.Item item, int iterations, int millis) throws RunnerException {
        return run(task, item, 1, iterations, millis);
    }

    /** Milliseconds of a call: the mean of a single iteration, with none before it. */
    static double millisOfOne(Task task, Task.Item item, int millis) throws RunnerException {
        return run(task, item, 0, 1, millis);
    }

    private static double run(Task task, Task.Item item, int warmups, int iterations, int millis)
            throws RunnerException {
        ChainedOptionsBuilder options = new OptionsBuilder().forks(0).verbosity(VerboseMode.SILENT)
                .shouldFailOnError(true).warmupIterations(warmups).warmupTime(TimeValue.milliseconds(millis))
                .measurementIterations(iterations).measurementTime(TimeValue.milliseconds(millis));
        if (task.cuda()) {
            options.include(method(CudaBenchmark.class, "pass")).param("workload", item.workload())
                    .param("kernel", item.kernel()).param("dtype", item.dtype().name())
                    .param("cold", String.valueOf(task.cold()));
        } else if (item.kernel().equals(Task.ROOFLINE)) {
            options.include(method(RooflineBenchmark.class, item.workload()));
        } else {
            options.include(method(KernelBenchmark.class, KernelBenchmark.method(Workloads.find(item.workload()))))
                    .param("workload", item.workload()).param("kernel", item.kernel())
                    .param("cold", String.valueOf(task.cold()));
        }
        BenchmarkResult result = new Runner(options.build()).runSingle().getAggregatedResult();
        return result.getIterationResults().stream().mapToDouble(iteration -> score(task, iteration)).min()
                .orElseThrow();
    }

    /** On a GPU the device's time, by a counter of the benchmark's. */
    private static double score(Task task, IterationResult iteration) {
        return (task.cuda() ? iteration.getSecondaryResults().get(CudaBenchmark.MILLIS_PER_CALL)
                : iteration.getPrimaryResult()).getScore();
    }

    private static String method(Class<?> benchmark, String name) {
        return "^" + benchmark.getName().replace(".", "\\.") + "\\." + name + "$";
    }
}
