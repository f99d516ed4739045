package org.airelab.base;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Writes NumPy's .npy format, version 1.0, a piece at a time: an array larger than memory needs no more than a
 * buffer. Elements are little-endian in row-major (C) order. {@link #close} fails when fewer or more elements were
 * written than the shape has; where only the number of rows is not known beforehand, {@link #UNKNOWN_ROWS} as the
 * first dimension leaves it open until then.
 *
 * <p>The format: <a href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">numpy.lib.format</a>.
 * For a file that is whole or absent, write inside {@link AtomicFiles#write}.
 */
public final class NpyWriter implements AutoCloseable {
    /** As the first dimension: as many rows as are written. Needs a channel that can seek. */
    public static final long UNKNOWN_ROWS = -1;

    private static final int BUFFER_BYTES = 1 << 18;
    private static final int ALIGNMENT = 64;
    /** Room for the digits of a row count written at the end: NumPy, too, leaves space for growth. */
    private static final int LONGEST_COUNT = 20;

    /** An element's type. */
    public enum Type {
        FLOAT32("<f4", 4), INT32("<i4", 4), INT64("<i8", 8), UINT16("<u2", 2);

        private final String descriptor;
        private final int bytes;

        Type(String descriptor, int bytes) {
            this.descriptor = descriptor;
            this.bytes = bytes;
        }
    }

    private final WritableByteChannel channel;
    private final Type type;
    private final long[] shape;
    private final long rowElements;
    private final int headerBytes;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long written;

    /**
     * Starts an array on a channel, which {@link #close} closes.
     *
     * @param shape the dimensions, none negative but a first of {@link #UNKNOWN_ROWS}; none at all is a scalar
     */
    public NpyWriter(WritableByteChannel channel, Type type, long... shape) throws IOException {
        this.channel = channel;
        this.type = type;
        this.shape = shape.clone();
        boolean open = shape.length > 0 && shape[0] == UNKNOWN_ROWS;
        if (open && !(channel instanceof SeekableByteChannel)) {
            throw new IllegalArgumentException("an unknown number of rows needs a channel that can seek");
        }
        long elements = 1;
        for (int i = 1; i < shape.length; i++) {
            elements = Math.multiplyExact(elements, requireDimension(shape[i]));
        }
        this.rowElements = elements;
        if (shape.length > 0 && !open) {
            Math.multiplyExact(elements, requireDimension(shape[0]));
        }
        byte[] header = header(0);
        this.headerBytes = header.length;
        buffer.put(header);
    }

    /**
     * Starts an array in a file, which is created or replaced.
     *
     * @throws UserError (bad input) when the number of rows is unknown and the file is a pipe or a terminal
     */
    public static NpyWriter create(Path file, Type type, long... shape) throws IOException {
        SeekableByteChannel channel = Files.newByteChannel(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING);
        try {
            if (shape.length > 0 && shape[0] == UNKNOWN_ROWS) {
                requireSeekable(file, channel);
            }
            return new NpyWriter(channel, type, shape);
        } catch (RuntimeException | IOException e) {
            channel.close();
            throw e;
        }
    }

    private static void requireSeekable(Path file, SeekableByteChannel channel) {
        try {
            channel.position(0);
        } catch (IOException e) {
            throw UserError.badInput(file + " is a pipe or a terminal, and an array's length, known only at its end, "
                    + "stands at its start.", "Name a file.", e);
        }
    }

    /** Appends elements of a FLOAT32 array. */
    public void write(float[] values, int offset, int length) throws IOException {
        if (type != Type.FLOAT32) {
            throw new IllegalArgumentException("expected integers for an array of " + type + ", found floats");
        }
        for (int i = offset; i < offset + length; i++) {
            room().putFloat(values[i]);
        }
        written += length;
    }

    /** Appends elements of an INT32, INT64 or UINT16 array; a value outside the type's range is refused. */
    public void write(int[] values, int offset, int length) throws IOException {
        for (int i = offset; i < offset + length; i++) {
            putInteger(values[i]);
        }
        written += length;
    }

    /** Appends elements of an INT32, INT64 or UINT16 array; a value outside the type's range is refused. */
    public void write(long[] values, int offset, int length) throws IOException {
        for (int i = offset; i < offset + length; i++) {
            putInteger(values[i]);
        }
        written += length;
    }

    /** Appends one element of an INT32, INT64 or UINT16 array. */
    public void write(long value) throws IOException {
        putInteger(value);
        written++;
    }

    /** Completes the file; {@link IllegalStateException} when the elements written do not fill the shape. */
    @Override
    public void close() throws IOException {
        try (channel) {
            boolean open = shape.length > 0 && shape[0] == UNKNOWN_ROWS;
            long rows = open ? (rowElements == 0 ? 0 : written / rowElements) : shape.length == 0 ? 1 : shape[0];
            if (rows * rowElements != written) {
                throw new IllegalStateException("expected " + (open ? "whole rows of " + rowElements
                        : rows * rowElements) + " elements for shape " + Arrays.toString(shape) + ", found " + written);
            }
            drain();
            if (open) {
                ((SeekableByteChannel) channel).position(0);
                buffer.put(header(rows));
                drain();
            }
        }
    }

    private void putInteger(long value) throws IOException {
        switch (type) {
            case INT32 -> room().putInt((int) inRange(value, Integer.MIN_VALUE, Integer.MAX_VALUE));
            case INT64 -> room().putLong(value);
            case UINT16 -> room().putShort((short) inRange(value, 0, 0xFFFF));
            case FLOAT32 ->
                throw new IllegalArgumentException("expected floats for an array of FLOAT32, found integers");
        }
    }

    private long inRange(long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException("expected " + least + " to " + most + " for " + type
                    + ", found " + value);
        }
        return value;
    }

    private ByteBuffer room() throws IOException {
        if (buffer.remaining() < type.bytes) {
            drain();
        }
        return buffer;
    }

    private void drain() throws IOException {
        buffer.flip();
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        buffer.clear();
    }

    private byte[] header(long rows) {
        String dimensions = Arrays.stream(shape).mapToObj(d -> Long.toString(d == UNKNOWN_ROWS ? rows : d))
                .collect(Collectors.joining(", ", "(", shape.length == 1 ? ",)" : ")"));
        String text = "{'descr': '" + type.descriptor + "', 'fortran_order': False, 'shape': " + dimensions + ", }";
        int preamble = 10;
        int bytes = headerBytes != 0 ? headerBytes
                : Math.ceilDiv(preamble + text.length() + LONGEST_COUNT + 1, ALIGNMENT) * ALIGNMENT;
        String padded = text + " ".repeat(bytes - preamble - text.length() - 1) + "\n";
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1).put((byte) 0)
                .putShort((short) (bytes - preamble)).put(padded.getBytes(StandardCharsets.US_ASCII)).array();
    }

    private static long requireDimension(long dimension) {
        if (dimension < 0) {
            throw new IllegalArgumentException("expected a dimension of 0 or more, found " + dimension);
        }
        return dimension;
    }
}
