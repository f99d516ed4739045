package org.airelab.hf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongUnaryOperator;
import org.airelab.checkpoint.DType;
import org.airelab.checkpoint.SafetensorsWriter;
import org.airelab.checkpoint.TensorData;
import org.airelab.checkpoint.TensorInfo;

/**
 * A float32 tensor that is made when it is written, so that converting a model takes no more memory than its largest
 * tensor. A row is what one index of the first dimension holds.
 */
final class LazyTensor {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** What a cache line holds of float32: transposing goes by squares of this size. */
    private static final long TILE = 16;

    private final long[] shape;
    private final Function<Arena, MemorySegment> maker;

    private LazyTensor(long[] shape, Function<Arena, MemorySegment> maker) {
        this.shape = shape;
        this.maker = maker;
    }

    /** A stored tensor: float32 as it is, float64, float16 and bfloat16 converted. */
    static LazyTensor of(TensorData stored) {
        long elements = stored.info().elements();
        return new LazyTensor(stored.shape(), stored.dtype() == DType.F32 ? arena -> stored.data()
                : arena -> widen(stored, arena.allocate(elements * Float.BYTES, Float.BYTES), elements));
    }

    private static MemorySegment widen(TensorData stored, MemorySegment out, long elements) {
        MemorySegment in = stored.data();
        for (long i = 0; i < elements; i++) {
            out.setAtIndex(FLOAT, i, switch (stored.dtype()) {
                case F64 -> (float) in.getAtIndex(DOUBLE, i);
                case F16 -> Float.float16ToFloat(in.getAtIndex(SHORT, i));
                case BF16 -> Float.intBitsToFloat(in.getAtIndex(SHORT, i) << 16);
                default -> throw new IllegalArgumentException("expected floating-point, found " + stored.info());
            });
        }
        return out;
    }

    /** Sizes of all dimensions. */
    long[] shape() {
        return shape.clone();
    }

    private long elements() {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    private long rowBytes() {
        return elements() / shape[0] * Float.BYTES;
    }

    private long[] withRows(long rows) {
        long[] other = shape.clone();
        other[0] = rows;
        return other;
    }

    /** Some rows in a row. */
    LazyTensor rows(long first, long count) {
        long width = rowBytes();
        return new LazyTensor(withRows(count), arena -> maker.apply(arena).asSlice(first * width, count * width));
    }

    /** The same rows in another order: row i is the one that was {@code source(i)}. */
    LazyTensor reordered(LongUnaryOperator source) {
        long width = rowBytes();
        return new LazyTensor(shape, arena -> {
            MemorySegment in = maker.apply(arena);
            MemorySegment out = arena.allocate(in.byteSize(), Float.BYTES);
            for (long i = 0; i < shape[0]; i++) {
                MemorySegment.copy(in, JAVA_BYTE, source.applyAsLong(i) * width, out, JAVA_BYTE, i * width, width);
            }
            return out;
        });
    }

    /** The rows of several tensors of one width, one after another. */
    static LazyTensor concatenated(List<LazyTensor> parts) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        long rows = parts.stream().mapToLong(part -> part.shape[0]).sum();
        LazyTensor first = parts.getFirst();
        return new LazyTensor(first.withRows(rows), arena -> {
            MemorySegment out = arena.allocate(rows * first.rowBytes(), Float.BYTES);
            long at = 0;
            for (LazyTensor part : parts) {
                MemorySegment in = part.maker.apply(arena);
                MemorySegment.copy(in, 0, out, at, in.byteSize());
                at += in.byteSize();
            }
            return out;
        });
    }

    /** A matrix with rows and columns exchanged. */
    LazyTensor transposed() {
        long rows = shape[0];
        long columns = shape[1];
        return new LazyTensor(new long[] {columns, rows}, arena -> {
            MemorySegment in = maker.apply(arena);
            MemorySegment out = arena.allocate(in.byteSize(), Float.BYTES);
            for (long r = 0; r < rows; r += TILE) {
                for (long c = 0; c < columns; c += TILE) {
                    transposeTile(in, out, r, Math.min(rows, r + TILE), c, Math.min(columns, c + TILE), rows, columns);
                }
            }
            return out;
        });
    }

    private static void transposeTile(MemorySegment in, MemorySegment out, long r0, long r1, long c0, long c1,
            long rows, long columns) {
        for (long c = c0; c < c1; c++) {
            for (long r = r0; r < r1; r++) {
                out.setAtIndex(FLOAT, c * rows + r, in.getAtIndex(FLOAT, r * columns + c));
            }
        }
    }

    /** Writes a safetensors file, one tensor after another. */
    static void write(WritableByteChannel out, Map<String, LazyTensor> tensors, Map<String, String> metadata)
            throws IOException {
        Map<String, TensorInfo> infos = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> infos.put(name, new TensorInfo(DType.F32, tensor.shape)));
        // The writer is done with a tensor when it asks for the next: then its memory can go.
        Arena[] current = {Arena.ofConfined()};
        try {
            SafetensorsWriter.write(out, infos, metadata, name -> {
                current[0].close();
                current[0] = Arena.ofConfined();
                return tensors.get(name).maker.apply(current[0]);
            });
        } finally {
            current[0].close();
        }
    }
}
