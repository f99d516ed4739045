package org.airelab.benchmarks.kernels;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.Operator;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
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
 * {@link Attention} on the CPU in float32, all cores, beside libtorch's flash kernels on the same threads.
 *
 * <p>Both read the same packed rows and write an output row for each position. libtorch gets queries, keys and values
 * as views of the rows, as a model would make them; the views are made beforehand. What differs is in its favour: its
 * backward kernel leaves three gradients where the lab's packs them into one.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 2, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector"})
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 8, time = 1)
public class AttentionBenchmark {
    private static final Operator FLASH_BACKWARD =
            Operator.of("aten::_scaled_dot_product_flash_attention_for_cpu_backward", "");
    private static final Operator FLASH = Operator.of("aten::_scaled_dot_product_flash_attention_for_cpu", "");

    /** Batch, positions, query heads, key heads and head size, then {@code causal} or {@code full}. */
    @Param({"1x1024x8x8x64-causal", "1x1024x8x8x64-full", "4x512x8x4x32-causal", "1x2048x8x8x128-causal",
            "16x256x6x6x64-causal", "1x777x4x2x48-causal"})
    public String shape;

    /** A rung's name, or {@code libtorch}. */
    @Param({"vector", "libtorch"})
    public String implementation;

    private AttentionShape sizes;
    private Attention rung;
    private MemorySegment qkv;
    private MemorySegment out;
    private MemorySegment lse;
    private MemorySegment dOut;
    private MemorySegment dQkv;

    private NDManager manager;
    private NDArray query;
    private NDArray key;
    private NDArray value;
    private NDArray result;
    private NDArray logSums;
    private NDArray dResult;

    /** Fills the arrays with normal values and runs the forward pass once, whose results the backward pass reads. */
    @Setup
    public void prepare() {
        var fields = shape.split("[x-]");
        var numbers = Stream.of(fields).limit(5).mapToInt(Integer::parseInt).toArray();
        sizes = new AttentionShape(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4],
                fields[5].equals("causal"));
        var random = new SplittableRandom(1);
        qkv = normal(sizes.packedSize(), random);
        dOut = normal(sizes.outSize(), random);
        out = normal(sizes.outSize(), random);
        lse = normal(sizes.lseSize(), random);
        dQkv = normal(sizes.packedSize(), random);
        manager = NDManager.newBaseManager();
        Parallel.findOpenMp();
        if (implementation.equals("libtorch")) {
            view();
        } else {
            rung = Attention.FAMILY.rungs().stream().filter(r -> r.name().equals(implementation)).findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("attention has no rung " + implementation));
            forward();
        }
    }

    private static MemorySegment normal(long count, SplittableRandom random) {
        var segment = Arena.ofAuto().allocate(4 * count, 64);
        for (var i = 0L; i < count; i++) {
            segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return segment;
    }

    private void view() {
        var heads = sizes.heads();
        var kvHeads = sizes.kvHeads();
        var rows = NativeArrays.over(manager, qkv, ScalarType.FLOAT32, sizes.batch(), sizes.time(),
                heads + 2L * kvHeads, sizes.headSize());
        query = heads(rows, 0, heads);
        key = heads(rows, heads, kvHeads);
        value = heads(rows, heads + kvHeads, kvHeads);
        var gradient = NativeArrays.over(manager, dOut, ScalarType.FLOAT32, sizes.batch(), sizes.time(), heads,
                sizes.headSize());
        dResult = Aten.transpose(manager, gradient, 1, 2);
        var group = sizes.group();
        var results = FLASH.on(manager).tensor(query).tensor(key.repeat(1, group)).tensor(value.repeat(1, group))
                .real(0).bool(sizes.causal()).none().none().results(2);
        result = results[0];
        logSums = results[1];
    }

    private NDArray heads(NDArray rows, int first, int count) {
        return Aten.transpose(manager, Aten.narrow(manager, rows, 2, first, count), 1, 2);
    }

    /** Frees libtorch's arrays. */
    @TearDown
    public void close() {
        manager.close();
    }

    /** The forward pass. */
    @Benchmark
    public void forward() {
        if (rung != null) {
            rung.forward(sizes, qkv, out, lse);
            return;
        }
        try (var scope = manager.newSubManager(); var mode = Autograd.notRecording()) {
            Aten.attention(scope, query, key, value, null, 0, sizes.causal());
        }
    }

    /** The backward pass, without libtorch's summing up of the gradients of grouped heads. */
    @Benchmark
    public void backward() {
        if (rung != null) {
            rung.backward(sizes, dOut, qkv, out, lse, dQkv);
            return;
        }
        try (var scope = manager.newSubManager(); var mode = Autograd.notRecording()) {
            var group = sizes.group();
            var keys = group == 1 ? key : key.repeat(1, group);
            var values = group == 1 ? value : value.repeat(1, group);
            for (Tensor gradient : FLASH_BACKWARD.call().tensor(dResult).tensor(query).tensor(keys).tensor(values)
                    .tensor(result).tensor(logSums).real(0).bool(sizes.causal()).none().none().tensors(3)) {
                gradient.close();
            }
            if (group > 1) {
                keys.close();
                values.close();
            }
        }
    }
}
