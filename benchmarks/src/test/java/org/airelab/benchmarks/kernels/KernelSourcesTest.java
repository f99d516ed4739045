package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.airelab.kernels.DType;
import org.airelab.kernels.Families;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
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
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
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
        assertListed(recorder, family);
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

    /** Gradients of rows that were rotated, turned back or not. */
    @Test
    void gradientsOfRotatedHeads() {
        LaunchRecorder recorder = new LaunchRecorder(90, 132);
        for (RotaryTable.Pairing pairing : RotaryTable.Pairing.values()) {
            for (int size = 32; size <= 256; size *= 2) {
                AttentionShape shape = new AttentionShape(1, ROWS, 2, 1, size, true);
                RotaryTable table = new RotaryTable(ROWS, size, 10_000, pairing);
                for (CudaRung<Attention> rung : Attention.FAMILY.cudaRungs()) {
                    for (DType dtype : rung.dtypes()) {
                        MemorySegment rows = memory(dtype, shape.packedSize());
                        rung.on(recorder, dtype).backwardOfRotated(shape, table, memory(dtype, shape.outSize()), rows,
                                memory(dtype, shape.outSize()), floats(shape.lseSize()), rows);
                    }
                }
            }
        }
        assertListed(recorder, Attention.FAMILY);
    }

    /** Tiles are chosen by the result's size, and some by the depth. */
    @ParameterizedTest
    @MethodSource("devices")
    void productsOfAnySize(int architecture, int multiprocessors) {
        LaunchRecorder recorder = products(architecture, multiprocessors);
        assertListed(recorder, Matmul.FAMILY);
        Set<KernelSource> listed = KernelSources.of(List.of(Matmul.FAMILY), architecture, multiprocessors);
        recorder.sources().stream().map(KernelSource::name).distinct().forEach(name ->
                assertInAllWays(listed.stream().filter(source -> source.name().equals(name)).toList()));
    }

    /** What the schedule may choose, at whatever size, with everything that is compiled by itself. */
    @Test
    void hoppersTilesInAllWays() {
        Set<KernelSource> listed = KernelSources.of(List.of(Matmul.FAMILY), 90, 132);
        Set<List<String>> tiles = products(90, 132).sources().stream()
                .filter(source -> source.name().equals("matmul/wgmma.cu")).map(KernelSourcesTest::tile)
                .collect(Collectors.toSet());
        assertEquals(5, tiles.size(), tiles::toString);
        for (List<String> tile : tiles) {
            List<KernelSource> ways = listed.stream().filter(source -> source.name().equals("matmul/wgmma.cu")
                    && tile(source).equals(tile)).toList();
            assertInAllWays(ways);
            assertEquals(Set.of("0", "1"), values(ways, "C_MAPPED"), tile::toString);
            assertEquals(Set.of("f16", "bf16"), values(ways, "ELEMENT"), tile::toString);
        }
    }

    /** Operands whose rows are aligned to 16 bytes and that have others are compiled for by themselves. */
    @ParameterizedTest
    @ValueSource(strings = {"matmul/pipelined.cu", "matmul/prefetched.cu"})
    void operandsAlignedAndNot(String name) {
        Set<List<String>> ways = KernelSources.of(List.of(Matmul.FAMILY), 80, 108).stream()
                .filter(source -> source.name().equals(name)).map(KernelSource::defines)
                .map(macros -> List.of(macros.get("A_ALIGNED"), macros.get("B_ALIGNED"))).collect(Collectors.toSet());
        assertEquals(4, ways.size(), ways::toString);
    }

    /** Of an A100, RTX 30, RTX 40, H100, B200 and RTX 50: CUDA C++ programming guide, "Compute Capabilities". */
    @ParameterizedTest
    @CsvSource({"80, 108, 163", "86, 82, 99", "89, 128, 99", "90, 132, 227", "100, 148, 227", "120, 170, 99"})
    void sharedMemoryOfABlockIsWhatTheDeviceHas(int architecture, int multiprocessors, int kibibytes) {
        LaunchRecorder recorder = KernelSources.recorder(Families.all(), architecture, multiprocessors);
        assertTrue(recorder.sources().size() > 100);
        assertEquals(List.of(), recorder.sources().stream()
                .filter(source -> recorder.sharedBytes(source) > kibibytes << 10).toList());
    }

    @Test
    void everySourceThereIs() throws IOException {
        Path root = Path.of("../kernels/src/main/resources/org/airelab/kernels");
        Set<String> listed = devices().flatMap(device -> {
            int architecture = (int) device.get()[0];
            int multiprocessors = (int) device.get()[1];
            return Stream.concat(KernelSources.of(Families.all(), architecture, multiprocessors).stream(),
                    KernelSources.ofLimits(architecture, multiprocessors).stream());
        }).map(KernelSource::name).collect(Collectors.toSet());
        try (Stream<Path> files = Files.walk(root)) {
            assertEquals(files.map(root::relativize).map(Path::toString).filter(name -> name.endsWith(".cu"))
                    .collect(Collectors.toSet()), listed);
        }
    }

    private static Stream<Arguments> devices() {
        return Stream.of(Arguments.of(80, 108), Arguments.of(90, 132), Arguments.of(100, 148));
    }

    /** Products of many sizes, as they are launched. */
    private static LaunchRecorder products(int architecture, int multiprocessors) {
        LaunchRecorder recorder = new LaunchRecorder(architecture, multiprocessors);
        List<Integer> sizes = IntStream.rangeClosed(4, 14).boxed().flatMap(i -> Stream.of(1 << i, 3 << i)).toList();
        for (CudaRung<Matmul> rung : Matmul.FAMILY.cudaRungs()) {
            for (DType dtype : rung.dtypes()) {
                for (int m : sizes) {
                    for (int n : sizes) {
                        for (int k = 64; k <= 4096 && rung.architecture() <= architecture; k *= 8) {
                            rung.on(recorder, dtype).multiply(MatmulShape.of(m, n, k), memory(dtype, (long) m * k),
                                    memory(dtype, (long) n * k), null, memory(dtype, (long) m * n));
                        }
                    }
                }
            }
        }
        return recorder;
    }

    private static void assertListed(LaunchRecorder recorder, Family<?> family) {
        Set<KernelSource> missing = new LinkedHashSet<>(recorder.sources());
        assertTrue(missing.size() > 1);
        missing.removeAll(KernelSources.of(List.of(family), recorder.architecture(), recorder.multiprocessors()));
        assertEquals(Set.of(), missing);
    }

    /** Asserts that some sources have among them all transpositions and all epilogues. */
    private static void assertInAllWays(List<KernelSource> sources) {
        String name = sources.getFirst().toString();
        assertEquals(Set.of(List.of("0", "0"), List.of("0", "1"), List.of("1", "0"), List.of("1", "1")),
                sources.stream().map(KernelSource::defines)
                        .map(macros -> List.of(macros.get("TRANSPOSE_A"), macros.get("TRANSPOSE_B")))
                        .collect(Collectors.toSet()), name);
        assertEquals(Set.of("none", "gelu_tanh", "silu"), values(sources, "EPILOGUE"), name);
    }

    private static Set<String> values(List<KernelSource> sources, String macro) {
        return sources.stream().map(source -> source.defines().get(macro)).collect(Collectors.toSet());
    }

    private static List<String> tile(KernelSource source) {
        return List.of(source.defines().get("BM"), source.defines().get("BN"));
    }
}
