package org.airelab.kernels.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import org.airelab.kernels.DType;

/** Checks of the arguments of kernels, made once at their entry. */
public final class Buffers {
    private Buffers() {}

    /** Checks that the segment is native or device memory of exactly {@code count} float32 values. */
    public static void floats(String name, MemorySegment segment, long count) {
        check(name, segment, count, Float.BYTES, "float32");
    }

    /** Checks that the segment is native or device memory of exactly {@code count} int64 values. */
    public static void longs(String name, MemorySegment segment, long count) {
        check(name, segment, count, Long.BYTES, "int64");
    }

    /** Checks that the segment is native or device memory of exactly {@code count} float64 values. */
    public static void doubles(String name, MemorySegment segment, long count) {
        check(name, segment, count, Double.BYTES, "float64");
    }

    /** Checks that the segment is native or device memory of exactly {@code count} values of a type. */
    public static void elements(String name, MemorySegment segment, long count, DType type) {
        check(name, segment, count, type.bytes(), type.toString());
    }

    private static void check(String name, MemorySegment segment, long count, int bytes, String type) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("expected " + name + " in native memory, found a segment of the heap");
        }
        if (segment.byteSize() != Math.multiplyExact(count, (long) bytes)) {
            throw new IllegalArgumentException("expected " + name + " of " + count + " " + type + " values, found "
                    + segment.byteSize() / (double) bytes);
        }
    }

    /**
     * Keeps the memory of a kernel's arguments, which may be null, until here. Of what is known by its address alone
     * compiled code forgets the segment, and memory that the garbage collector frees may go. Loops of {@link Parallel}
     * keep what their tasks refer to.
     */
    public static void keep(MemorySegment... arguments) {
        Reference.reachabilityFence(arguments);
    }

    /** Checks that a size is at least {@code least}. */
    public static void atLeast(String name, long least, long value) {
        if (value < least) {
            throw new IllegalArgumentException("expected " + name + " of at least " + least + ", found " + value);
        }
    }
}
