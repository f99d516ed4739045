package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.LaunchRecorder;
import org.airelab.kernels.embedding.Embedding;
import org.airelab.kernels.loss.CrossEntropy;
import org.airelab.kernels.matmul.Matmul;
import org.airelab.kernels.matmul.MatmulShape;
import org.airelab.kernels.norm.LayerNorm;
import org.airelab.kernels.norm.RmsNorm;
import org.airelab.kernels.rotary.Rotary;
import org.airelab.kernels.rotary.RotaryTable;
import org.airelab.kernels.softmax.Softmax;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code lab kernel-resources} compiles and {@code lab selftest} runs is what other shapes launch, too. */
class KernelSourcesTest {
    private static final int ROWS = 3;

    /** A call of a rung at a size. */
    private interface Call<R> {
        void at(R rung, DType dtype, int size);
    }

    private static MemorySegment memory(DType dtype, long count) {
        return MemorySegment.ofAddress(1L << 40).reinterpret(count * dtype.bytes());
    }

    private static MemorySegment floats(long count) {
        return memory(DType.FP32, count);
    }

    private static MemorySegment longs(long count) {
        return floats(2 * count);
    }

    /** Sizes from 1 to 100 thousand, each up to a twentieth larger than the one before. */
    private static void sizes(IntConsumer consumer) {
        for (int size = 1; size < 100_000; size += 1 + size / 20) {
            consumer.accept(size);
        }
    }

    private static <R extends Rung> void assertCovers(Family<R> family, Call<R> call) {
        LaunchRecorder recorder = new LaunchRecorder(80, 108);
        for (CudaRung<R> rung : family.cudaRungs()) {
            if (rung.architecture() <= 80) {
                for (DType dtype : rung.dtypes()) {
                    sizes(size -> call.at(rung.on(recorder, dtype), dtype, size));
                }
            }
        }
        Set<KernelSource> missing = new LinkedHashSet<>(recorder.sources());
        assertTrue(missing.size() > 1);
        missing.removeAll(KernelSources.of(List.of(family), 80, 108));
        assertEquals(Set.of(), missing);
    }

    @Test
    void rowsOfAnyWidth() {
        assertCovers(Softmax.FAMILY, (rung, type, width) -> {
            MemorySegment x = memory(type, (long) ROWS * width);
            rung.forward(x, x, ROWS, width);
            rung.backward(x, x, x, ROWS, width);
        });
        assertCovers(RmsNorm.FAMILY, (rung, type, width) -> {
            MemorySegment x = memory(type, (long) ROWS * width);
            MemorySegment weight = memory(type, width);
            rung.forward(x, weight, x, floats(ROWS), ROWS, width, 0);
            rung.backward(x, x, weight, floats(ROWS), x, weight, ROWS, width);
            rung.forwardOfSum(x, x, x, weight, x, floats(ROWS), ROWS, width, 0);
            rung.backwardOfSum(x, x, x, weight, floats(ROWS), x, weight, ROWS, width);
        });
        assertCovers(LayerNorm.FAMILY, (rung, type, width) -> {
            MemorySegment x = memory(type, (long) ROWS * width);
            MemorySegment weight = memory(type, width);
            rung.forward(x, weight, weight, x, floats(ROWS), floats(ROWS), ROWS, width, 0);
            rung.backward(x, x, weight, floats(ROWS), floats(ROWS), x, weight, weight, ROWS, width);
            rung.forwardOfSum(x, x, x, weight, weight, x, floats(ROWS), floats(ROWS), ROWS, width, 0);
            rung.backwardOfSum(x, x, x, weight, floats(ROWS), floats(ROWS), x, weight, weight, ROWS, width);
        });
        assertCovers(CrossEntropy.FAMILY, (rung, type, width) -> {
            MemorySegment x = memory(type, (long) ROWS * width);
            rung.forward(x, longs(ROWS), floats(ROWS), ROWS, width, -1);
            rung.forwardBackward(x, longs(ROWS), floats(ROWS), ROWS, width, -1, 1);
        });
    }

    @Test
    void embeddingsOfAnyWidth() {
        assertCovers(Embedding.FAMILY, (rung, type, width) -> {
            MemorySegment rows = memory(type, (long) ROWS * width);
            rung.gather(rows, longs(ROWS), rows, ROWS, ROWS, width);
            rung.scatterAdd(rows, longs(ROWS), rows, ROWS, ROWS, width);
        });
    }

    @Test
    void anyNumberOfEmbeddings() {
        assertCovers(Embedding.FAMILY, (rung, type, count) -> {
            MemorySegment rows = memory(type, 8L * count);
            rung.scatterAdd(rows, longs(count), rows, count, count, 8);
        });
    }

    @Test
    void rotationsOfAnyNumberOfHeads() {
        for (RotaryTable.Pairing pairing : RotaryTable.Pairing.values()) {
            RotaryTable table = new RotaryTable(ROWS, 8, 10_000, pairing);
            assertCovers(Rotary.FAMILY, (rung, type, heads) -> {
                MemorySegment rows = memory(type, (long) ROWS * heads * 8);
                rung.rotate(table, rows, rows, ROWS, ROWS, heads, heads, false);
            });
        }
    }

    /** Tiles are chosen by the result's size, and some by the depth. */
    @ParameterizedTest
    @ValueSource(ints = {80, 90, 100})
    void productsOfAnySize(int architecture) {
        int multiprocessors = architecture == 80 ? 108 : architecture == 90 ? 132 : 148;
        LaunchRecorder recorder = new LaunchRecorder(architecture, multiprocessors);
        for (CudaRung<Matmul> rung : Matmul.FAMILY.cudaRungs()) {
            for (DType dtype : rung.dtypes()) {
                for (int m = 16; m <= 32_768; m *= 2) {
                    for (int n = 16; n <= 32_768; n *= 2) {
                        for (int k = 64; k <= 4096 && rung.architecture() <= architecture; k *= 8) {
                            rung.on(recorder, dtype).multiply(MatmulShape.of(m, n, k), memory(dtype, (long) m * k),
                                    memory(dtype, (long) n * k), null, memory(dtype, (long) m * n));
                        }
                    }
                }
            }
        }
        Set<KernelSource> missing = new LinkedHashSet<>(recorder.sources());
        Set<KernelSource> covered = KernelSources.of(List.of(Matmul.FAMILY), architecture, multiprocessors);
        missing.removeAll(covered);
        assertEquals(Set.of(), missing);
        List<String> macros = List.of("A=0 -DTRANSPOSE_B=1 -DEPILOGUE=none", "A=1 -DTRANSPOSE_B=0 -DEPILOGUE=none",
                "A=1 -DTRANSPOSE_B=1 -DEPILOGUE=none", "A=0 -DTRANSPOSE_B=0 -DEPILOGUE=gelu_tanh",
                "A=0 -DTRANSPOSE_B=0 -DEPILOGUE=silu");
        covered.stream().map(KernelSource::name).distinct().forEach(name -> macros.forEach(some ->
                assertTrue(covered.stream().anyMatch(source -> source.name().equals(name)
                        && source.toString().contains(some)), name + " " + some)));
    }
}
