package org.airelab.benchmarks.kernels;

import java.util.concurrent.TimeUnit;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Milliseconds a call of one kernel on one workload, libtorch's way of doing the same among the kernels.
 *
 * <p>Warm, all calls work on the same memory, which stays in whichever cache holds it. Cold, they go round buffers that
 * together are twice as large as the last-level cache, so that each finds its memory evicted.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 200, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 10, time = 100, timeUnit = TimeUnit.MILLISECONDS)
public class KernelBenchmark {
    static final int BATCH = 16;
    /** Bytes and operations below which one call is too short to be an invocation of its own. */
    private static final double SHORT = 1e6;

    /** {@link Workload#id}. */
    @Param("rms-norm/forward/256x768")
    private String workload;
    /** A rung's name, or libtorch. */
    @Param({"scalar", "vector", "parallel", "libtorch"})
    private String kernel;
    /** Whether memory is to be evicted from the caches between calls. */
    @Param("false")
    private boolean cold;

    private BoundWorkload<?>[] copies;
    private Runnable[] calls;
    private int next;

    /** Makes random inputs, and as many copies of all as it takes. */
    @Setup(Level.Trial)
    public void prepare() {
        Machine.useLibtorchsThreads();
        Workload<?> chosen = Workloads.find(workload);
        copies = new BoundWorkload<?>[cold ? copiesBeyondTheCache(chosen) : 1];
        calls = new Runnable[copies.length];
        for (int i = 0; i < copies.length; i++) {
            copies[i] = new BoundWorkload<>(chosen, i);
            calls[i] = copies[i].call(kernel);
        }
        next = 0;
    }

    private static int copiesBeyondTheCache(Workload<?> workload) {
        return (int) Math.max(2, 2 * Machine.lastLevelCacheBytes() / workload.footprint() + 1);
    }

    /** The benchmark to measure a workload with: {@link #batch} where one call is over too soon. */
    static String method(Workload<?> workload) {
        return workload.flops() < SHORT && workload.bytes() < SHORT ? "batch" : "call";
    }

    /** Waits for the JVM's turn, then notes how long threads have waited for a core. */
    @Setup(Level.Iteration)
    public void begin() {
        Turns.await();
        Disturbance.begin();
    }

    /** Compares with that. */
    @TearDown(Level.Iteration)
    public void end() {
        Disturbance.end();
        Turns.done();
    }

    /** Frees the memory. */
    @TearDown(Level.Trial)
    public void close() {
        for (BoundWorkload<?> copy : copies) {
            copy.close();
        }
    }

    /** One call. */
    @Benchmark
    public void call() {
        calls[next].run();
        next = next + 1 == calls.length ? 0 : next + 1;
    }

    /** Several calls, for workloads of a few microseconds. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void batch() {
        for (int i = 0; i < BATCH; i++) {
            call();
        }
    }
}
