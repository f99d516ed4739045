package org.airelab.benchmarks.kernels;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.matmul.Matmul;
import org.airelab.kernels.matmul.MatmulShape;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
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
 * {@link Matmul} on the CPU in float32 beside libtorch's, on the same memory and, in the rungs that use more than one,
 * the same threads; {@code gflops} is the throughput in GFLOP/s. A transposed operand is to libtorch a view, which it
 * hands to its BLAS as such.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 2, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 6, time = 1)
public class MatmulBenchmark {
    /** m, n and k, then for A and B whether they lie in memory transposed (t) or not (n), as BLAS names them. */
    @Param({"1024x1024x1024-nn", "2048x864x288-nt", "2048x288x768-nt", "2048x1536x288-nt", "4096x192x64-nt",
            "864x288x2048-tn", "2048x288x864-nn"})
    public String shape;

    /** A rung's name, or {@code libtorch}. */
    @Param({"scalar", "blocked", "vector", "packed", "parallel", "libtorch"})
    public String implementation;

    private MatmulShape sizes;
    private Matmul rung;
    private MemorySegment a;
    private MemorySegment b;
    private MemorySegment c;

    private NDManager manager;
    private NDArray left;
    private NDArray right;
    private Tensor result;

    /** Floating-point operations done. */
    @AuxCounters
    @State(Scope.Thread)
    public static class Rate {
        /** In units of 10^9; counted by the benchmark, divided by the time by JMH. */
        public double gflops;
    }

    /** Fills the matrices with normal values. */
    @Setup
    public void prepare() {
        var fields = shape.split("[x-]");
        var numbers = Stream.of(fields).limit(3).mapToInt(Integer::parseInt).toArray();
        sizes = MatmulShape.of(numbers[0], numbers[1], numbers[2])
                .transposed(fields[3].charAt(0) == 't', fields[3].charAt(1) == 't');
        var random = new SplittableRandom(1);
        a = normal((long) sizes.m() * sizes.k(), random);
        b = normal((long) sizes.k() * sizes.n(), random);
        c = normal((long) sizes.m() * sizes.n(), random);
        manager = NDManager.newBaseManager();
        Parallel.findOpenMp();
        if (implementation.equals("libtorch")) {
            left = matrix(a, sizes.m(), sizes.k(), sizes.transposeA());
            right = matrix(b, sizes.k(), sizes.n(), sizes.transposeB());
            result = Tensor.over(c, ScalarType.FLOAT32, sizes.m(), sizes.n());
        } else {
            rung = Matmul.FAMILY.rungs().stream().filter(r -> r.name().equals(implementation)).findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("matmul has no rung " + implementation));
        }
    }

    private static MemorySegment normal(long count, SplittableRandom random) {
        var segment = Arena.ofAuto().allocate(4 * count, 64);
        for (var i = 0L; i < count; i++) {
            segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return segment;
    }

    private NDArray matrix(MemorySegment memory, long rows, long columns, boolean transposed) {
        return transposed
                ? Aten.transpose(manager, NativeArrays.over(manager, memory, ScalarType.FLOAT32, columns, rows), 0, 1)
                : NativeArrays.over(manager, memory, ScalarType.FLOAT32, rows, columns);
    }

    /** Frees libtorch's arrays. */
    @TearDown
    public void close() {
        if (result != null) {
            result.close();
        }
        manager.close();
    }

    /** One product. */
    @Benchmark
    public void multiply(Rate rate) {
        rate.gflops += sizes.flops() * 1e-9;
        if (rung != null) {
            rung.multiply(sizes, a, b, null, c);
        } else {
            Aten.matmulInto(result, left, right);
        }
    }
}
