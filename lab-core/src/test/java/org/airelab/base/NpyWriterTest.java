package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpyWriterTest {
    @TempDir
    private Path folder;

    /** A .npy file taken apart by the format's description, not by the writer's code. */
    private record Npy(String header, ByteBuffer data) {
        static Npy read(byte[] file) {
            assertEquals("934e554d50590100", HexFormat.of().formatHex(file, 0, 8));
            int length = (file[8] & 0xFF) | (file[9] & 0xFF) << 8;
            assertEquals(0, (10 + length) % 64, "the data starts at a multiple of 64");
            assertEquals('\n', file[9 + length]);
            return new Npy(new String(file, 10, length, StandardCharsets.US_ASCII).strip(),
                    ByteBuffer.wrap(file, 10 + length, file.length - 10 - length).slice()
                            .order(ByteOrder.LITTLE_ENDIAN));
        }
    }

    @Test
    void floatsKeepEveryBit() throws IOException {
        float[] values = {0f, -0f, 1.5f, Float.NaN, Float.NEGATIVE_INFINITY, Float.MIN_VALUE};
        Path file = folder.resolve("f.npy");
        try (NpyWriter npy = NpyWriter.create(file, NpyWriter.Type.FLOAT32, 2, 3)) {
            npy.write(values, 0, 4);
            npy.write(values, 4, 2);
        }
        Npy read = Npy.read(Files.readAllBytes(file));
        assertEquals("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", read.header());
        float[] found = new float[6];
        read.data().asFloatBuffer().get(found);
        for (int i = 0; i < 6; i++) {
            assertEquals(Float.floatToRawIntBits(values[i]), Float.floatToRawIntBits(found[i]));
        }
    }

    @Test
    void rowsMayBeCountedWhileWriting() throws IOException {
        Path file = folder.resolve("u.npy");
        int[] values = new Random(1).ints(3 * 200_000, 0, 0x10000).toArray();
        try (NpyWriter npy = NpyWriter.create(file, NpyWriter.Type.UINT16, NpyWriter.UNKNOWN_ROWS, 3)) {
            for (int i = 0; i < values.length; i += 1000) {
                npy.write(values, i, 1000);
            }
        }
        Npy read = Npy.read(Files.readAllBytes(file));
        assertTrue(read.header().contains("'<u2'") && read.header().contains("'shape': (200000, 3)"), read.header());
        for (int value : values) {
            assertEquals(value, read.data().getShort() & 0xFFFF);
        }
        assertEquals(0, read.data().remaining());
    }

    @Test
    void shapesOfEveryKind() throws IOException {
        assertEquals("()", shape(1));
        assertEquals("(0,)", shape(0, 0));
        assertEquals("(4,)", shape(4, 4));
        assertEquals("(2, 0, 3)", shape(0, 2, 0, 3));
        assertEquals("(1, 1, 1, 1, 1)", shape(1, 1, 1, 1, 1, 1));
        assertEquals("(0,)", shape(0, NpyWriter.UNKNOWN_ROWS));
    }

    private String shape(int elements, long... shape) throws IOException {
        Path file = folder.resolve("s.npy");
        try (NpyWriter npy = NpyWriter.create(file, NpyWriter.Type.INT64, shape)) {
            npy.write(new long[elements], 0, elements);
        }
        Npy read = Npy.read(Files.readAllBytes(file));
        assertEquals(8 * elements, read.data().remaining());
        String header = read.header();
        return header.substring(header.indexOf('('), header.indexOf(')') + 1);
    }

    @Test
    void writesToAPipe() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (NpyWriter npy = new NpyWriter(Channels.newChannel(out), NpyWriter.Type.INT32, 3)) {
            npy.write(7);
            npy.write(new int[] {-1, Integer.MAX_VALUE}, 0, 2);
        }
        ByteBuffer data = Npy.read(out.toByteArray()).data();
        assertArrayEquals(new int[] {7, -1, Integer.MAX_VALUE},
                new int[] {data.getInt(), data.getInt(), data.getInt()});
    }

    @Test
    void anOpenArrayIsNotWrittenIntoAPipe() throws Exception {
        Path pipe = Pipes.make(folder.resolve("pipe"));
        var arrived = Pipes.read(pipe);
        var error = assertThrows(UserError.class,
                () -> NpyWriter.create(pipe, NpyWriter.Type.INT32, NpyWriter.UNKNOWN_ROWS));
        assertTrue(error.getMessage().startsWith(pipe + " is a pipe or a terminal"), error.getMessage());
        assertEquals(0, arrived.get().length);
    }

    @Test
    void refusesWhatDoesNotFit() throws IOException {
        Path file = folder.resolve("x.npy");
        NpyWriter shorts = NpyWriter.create(file, NpyWriter.Type.UINT16, 2);
        assertThrows(IllegalArgumentException.class, () -> shorts.write(65536));
        assertThrows(IllegalArgumentException.class, () -> shorts.write(-1));
        assertThrows(IllegalArgumentException.class, () -> shorts.write(new float[1], 0, 1));
        shorts.write(65535);
        assertTrue(assertThrows(IllegalStateException.class, shorts::close).getMessage().contains("expected 2"));

        NpyWriter ragged = NpyWriter.create(file, NpyWriter.Type.INT64, NpyWriter.UNKNOWN_ROWS, 4);
        ragged.write(new long[6], 0, 6);
        assertTrue(assertThrows(IllegalStateException.class, ragged::close).getMessage().contains("whole rows of 4"));

        NpyWriter floats = NpyWriter.create(file, NpyWriter.Type.FLOAT32, 1);
        assertThrows(IllegalArgumentException.class, () -> floats.write(1L));
        NpyWriter ints = NpyWriter.create(file, NpyWriter.Type.INT32, 1);
        assertThrows(IllegalArgumentException.class, () -> ints.write(1L << 31));
        assertThrows(IllegalArgumentException.class, () -> NpyWriter.create(file, NpyWriter.Type.INT32, 2, -3));
        assertThrows(ArithmeticException.class, () -> NpyWriter.create(file, NpyWriter.Type.INT32, 1L << 40, 1L << 40));
        assertThrows(IllegalArgumentException.class, () -> new NpyWriter(
                Channels.newChannel(new ByteArrayOutputStream()), NpyWriter.Type.INT32, NpyWriter.UNKNOWN_ROWS));
        long[] many = new long[40];
        Arrays.fill(many, 1);
        try (NpyWriter wide = NpyWriter.create(file, NpyWriter.Type.INT64, many)) {
            wide.write(5);
        }
        assertEquals(5, Npy.read(Files.readAllBytes(file)).data().getLong());
    }
}
