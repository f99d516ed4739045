package org.airelab.benchmarks.kernels.gpu;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaLauncher;
import org.airelab.kernels.cuda.CudaStream;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One kernel on one workload on the first GPU, a library among the kernels. JMH's own score is the host's time of an
 * invocation; what counts is its counter {@link DeviceTime#millisPerCall}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 2, time = 100, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 10, time = 50, timeUnit = TimeUnit.MILLISECONDS)
public class CudaBenchmark {
    /** The name of the counter. */
    public static final String MILLIS_PER_CALL = "millisPerCall";

    /** An id of a workload, or the name of a {@link Limit}. */
    @Param("rms-norm/forward/8192x4096")
    private String workload;
    /** A rung's name, libtorch, cublas or roofline. */
    @Param({"naive", "block", "libtorch"})
    private String kernel;
    /** Element type. */
    @Param("FP32")
    private DType dtype;
    /** See the package's page. */
    @Param("false")
    private boolean cold;

    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private GpuTimer timer;

    /** Time on the device and calls of an iteration. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class DeviceTime {
        private double millis;
        private long calls;

        /** An iteration begins. */
        @Setup(Level.Iteration)
        public void reset() {
            millis = 0;
            calls = 0;
        }

        /** The mean of the iteration's calls so far. */
        public double millisPerCall() {
            return millis / calls;
        }
    }

    /** Opens the device, fills its memory and captures the calls. */
    @Setup(Level.Trial)
    public void prepare() throws Exception {
        try {
            GpuWatch gpu = GpuWatch.current().orElseGet(() -> keep(new GpuWatch()));
            CudaLauncher launcher = keep(new CudaLauncher(gpu.stream()));
            Work work = keep(work(gpu.stream(), launcher));
            timer = keep(cold && !kernel.equals(Measured.ROOFLINE) ? new ColdTimer(gpu.stream(), work)
                    : new ReplayTimer(gpu.stream(), work));
            gpu.note(timer.asWanted());
        } catch (RuntimeException e) {
            // JMH does not tear down what it could not set up.
            closeAll(e);
            throw e;
        }
    }

    private Work work(CudaStream stream, CudaLauncher launcher) {
        if (kernel.equals(Measured.ROOFLINE)) {
            return Limit.valueOf(workload).work(stream, launcher);
        }
        return work(Workloads.find(workload), stream, launcher);
    }

    private <R extends Rung> Work work(Workload<R> chosen, CudaStream stream, CudaLauncher launcher) {
        DeviceMemory memory = keep(Measured.memory(chosen, dtype, cold, stream, launcher));
        return Measured.work(chosen, kernel, dtype, memory, stream, launcher);
    }

    private <T extends AutoCloseable> T keep(T resource) {
        open.push(resource);
        return resource;
    }

    private void closeAll(Exception error) {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception e) {
                error.addSuppressed(e);
            }
        }
    }

    /** Gives everything back. */
    @TearDown(Level.Trial)
    public void close() throws Exception {
        IllegalStateException failure = new IllegalStateException("a resource of " + kernel + " cannot be given back");
        closeAll(failure);
        if (failure.getSuppressed().length > 0) {
            throw failure;
        }
    }

    /** A pass over the calls, synchronised once. */
    @Benchmark
    public void pass(DeviceTime time) {
        time.millis += timer.pass();
        time.calls += timer.calls();
    }
}
