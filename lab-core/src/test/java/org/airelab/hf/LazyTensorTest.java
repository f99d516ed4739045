package org.airelab.hf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.airelab.checkpoint.DType;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.checkpoint.TensorData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LazyTensorTest {
    @TempDir
    private Path folder;

    private static LazyTensor counting(int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        return LazyTensor.of(new TensorData(DType.F32, new long[] {rows, columns}, MemorySegment.ofArray(values)));
    }

    private float[] values(LazyTensor tensor) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        LazyTensor.write(Channels.newChannel(out), Map.of("x", tensor), Map.of());
        Path file = Files.write(folder.resolve("x.safetensors"), out.toByteArray());
        try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertArrayEquals(tensor.shape(), read.info("x").shape());
            return read.tensor("x").data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        }
    }

    private static float[] expected(int count, IntUnaryOperator value) {
        float[] values = new float[count];
        IntStream.range(0, count).forEach(i -> values[i] = value.applyAsInt(i));
        return values;
    }

    @Test
    void transposingExchangesRowsAndColumnsAtAnySize() throws IOException {
        for (int[] size : new int[][] {{1, 1}, {1, 7}, {7, 1}, {16, 16}, {17, 33}, {50, 3}}) {
            int rows = size[0];
            int columns = size[1];
            assertArrayEquals(expected(rows * columns, i -> i % rows * columns + i / rows),
                    values(counting(rows, columns).transposed()));
        }
    }

    @Test
    void rowsAreTakenReorderedAndJoined() throws IOException {
        LazyTensor x = counting(5, 3);
        assertArrayEquals(new float[] {6, 7, 8, 9, 10, 11}, values(x.rows(2, 2)));
        assertArrayEquals(expected(15, i -> (4 - i / 3) * 3 + i % 3), values(x.reordered(row -> 4 - row)));
        assertArrayEquals(expected(15, i -> i), values(LazyTensor.concatenated(List.of(x.rows(0, 1), x.rows(1, 4)))));
    }

    @Test
    void narrowTypesAreWidenedExactly() throws IOException {
        short[] halves = {Float.floatToFloat16(1.5f), Float.floatToFloat16(-65504), (short) 1, (short) 0x7c00};
        assertArrayEquals(new float[] {1.5f, -65504, 0x1p-24f, Float.POSITIVE_INFINITY},
                values(LazyTensor.of(new TensorData(DType.F16, new long[] {4}, MemorySegment.ofArray(halves)))));
        short[] brains = {(short) 0x3fc0, (short) 0xff7f, (short) 1, (short) 0xc000};
        float[] wide = values(LazyTensor.of(new TensorData(DType.BF16, new long[] {4}, MemorySegment.ofArray(brains))));
        assertEquals(1.5f, wide[0]);
        assertEquals(Float.intBitsToFloat(0xff7f0000), wide[1]);
        assertEquals(Float.intBitsToFloat(0x00010000), wide[2]);
        assertEquals(-2f, wide[3]);
        assertArrayEquals(new float[] {0.1f, -3}, values(LazyTensor.of(
                new TensorData(DType.F64, new long[] {2}, MemorySegment.ofArray(new double[] {0.1, -3})))));
    }

    @Test
    void pairsOfNeighboursBecomeHalvesAndComeBack() throws IOException {
        Correspondence table = new Correspondence("ours", List.of(new Correspondence.Part("theirs", 8, 1, false, 4)));
        LazyTensor theirs = Correspondence.export(List.of(table), name -> counting(8, 1)).get("theirs");
        assertArrayEquals(new float[] {0, 2, 1, 3, 4, 6, 5, 7}, values(theirs));
        assertArrayEquals(expected(8, i -> i),
                values(Correspondence.importAll(List.of(table), part -> theirs).get("ours")));
    }
}
