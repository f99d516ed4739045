package org.airelab.benchmarks.kernels.workload;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.airelab.kernels.DType;
import org.airelab.torch.ScalarType;

/**
 * A tensor that a workload reads or writes.
 *
 * @param name    as the family's interface calls it
 * @param content what it holds before the first call
 * @param written whether calls write it
 * @param traffic bytes that each call has to move between memory and processor for it
 * @param fixed   whether it keeps its type when a rung computes in a half type: numbers and statistics of rows do
 * @param given   what it holds where that is given, else null
 * @param shape   sizes, row-major; none for a single number
 */
public record Operand(String name, Content content, boolean written, double traffic, boolean fixed, MemorySegment given,
        long... shape) {
    /** What an operand holds at first. */
    public enum Content {
        /** Float32 of the standard normal distribution. */
        NORMAL,
        /** Squares of such numbers, as variances and their like are. */
        SQUARES,
        /** Int64 in [0, bound), uniform; the bound comes first in the shape and is no dimension. */
        IDS,
        /** Float32 that are given. */
        GIVEN,
        /** NaN in every element, so that an element never written is seen. */
        NAN,
        /** The same of float64. */
        NAN_FLOAT64
    }

    /** Normal numbers repeat after so many, a prime: no row of the usual widths equals the one above it. */
    private static final int NORMALS = 65_537;
    private static final MemorySegment TABLE = MemorySegment.ofArray(normals());

    /** Read: normally distributed float32. */
    public static Operand normal(String name, long... shape) {
        return new Operand(name, Content.NORMAL, false, 4.0 * elements(shape), false, null, shape);
    }

    /** Read: squares of normally distributed float32. */
    public static Operand squares(String name, long... shape) {
        return new Operand(name, Content.SQUARES, false, 4.0 * elements(shape), false, null, shape);
    }

    /** Read: {@code count} int64 in [0, bound). */
    public static Operand ids(String name, long bound, long count) {
        return new Operand(name, Content.IDS, false, 8.0 * count, true, null, bound, count);
    }

    /** Read: these float32 numbers, whatever type a rung computes in. */
    public static Operand given(String name, MemorySegment values, long... shape) {
        return new Operand(name, Content.GIVEN, false, 4.0 * elements(shape), true, values, shape);
    }

    /** Written: float32. */
    public static Operand output(String name, long... shape) {
        return new Operand(name, Content.NAN, true, 4.0 * elements(shape), false, null, shape);
    }

    /** Written: one float64. */
    public static Operand total(String name) {
        return new Operand(name, Content.NAN_FLOAT64, true, Double.BYTES, true, null);
    }

    /** The same, read and written. */
    public Operand updated() {
        return new Operand(name, content, true, 2 * traffic, fixed, given, shape);
    }

    /** The same, of which a call touches only so many bytes. */
    public Operand touching(double bytes) {
        return new Operand(name, content, written, bytes, fixed, given, shape);
    }

    /** The same, float32 whatever type a rung computes in: a statistic of rows. */
    public Operand inFloat32() {
        return new Operand(name, content, written, traffic, true, given, shape);
    }

    /** The shape as a tensor's. */
    public long[] dimensions() {
        return content == Content.IDS ? new long[] {shape[1]} : shape;
    }

    /** Elements after which its content repeats, and so the length of a beginning that tells all of it. */
    public long period() {
        boolean repeats = content == Content.NORMAL || content == Content.SQUARES;
        return repeats ? Math.min(elements(dimensions()), NORMALS) : elements(dimensions());
    }

    /** Its element type. */
    public ScalarType type() {
        return switch (content) {
            case IDS -> ScalarType.INT64;
            case NAN_FLOAT64 -> ScalarType.FLOAT64;
            default -> ScalarType.FLOAT32;
        };
    }

    /** Whether its first content is no input, and says so. */
    public boolean poisoned() {
        return content == Content.NAN || content == Content.NAN_FLOAT64;
    }

    /** The numbers in its memory, rounded to float32, after a rung has written them in an element type. */
    public float[] results(MemorySegment memory, DType dtype) {
        int bytes = type() == ScalarType.FLOAT64 ? Double.BYTES : fixed ? Float.BYTES : dtype.bytes();
        float[] results = new float[Math.toIntExact(memory.byteSize() / bytes)];
        for (int i = 0; i < results.length; i++) {
            results[i] = type() == ScalarType.FLOAT64 ? (float) memory.getAtIndex(JAVA_DOUBLE, i)
                    : (fixed ? DType.FP32 : dtype).get(memory, i);
        }
        return results;
    }

    /** Bytes of memory it takes in float32. */
    public long bytes() {
        return elements(dimensions()) * type().bytes();
    }

    /** Its element type where a rung computes in a type. */
    public ScalarType type(DType dtype) {
        if (fixed) {
            return type();
        }
        return switch (dtype) {
            case FP32 -> ScalarType.FLOAT32;
            case FP16 -> ScalarType.FLOAT16;
            case BF16 -> ScalarType.BFLOAT16;
        };
    }

    /** Bytes of memory it takes there. */
    public long bytes(DType dtype) {
        return elements(dimensions()) * type(dtype).bytes();
    }

    /** Bytes that each call has to move for it there. */
    public double traffic(DType dtype) {
        return traffic / type().bytes() * type(dtype).bytes();
    }

    /** Fills memory of {@link #bytes()} with what the operand holds at first. */
    public void fill(MemorySegment memory, SplittableRandom random) {
        switch (content) {
            case NORMAL -> tile(memory, random.nextInt(NORMALS));
            case SQUARES -> {
                tile(memory, random.nextInt(NORMALS));
                for (long i = 0; i < memory.byteSize() / Float.BYTES; i++) {
                    float value = memory.getAtIndex(JAVA_FLOAT, i);
                    memory.setAtIndex(JAVA_FLOAT, i, value * value);
                }
            }
            case IDS -> {
                for (long i = 0; i < memory.byteSize() / Long.BYTES; i++) {
                    memory.setAtIndex(JAVA_LONG, i, random.nextLong(shape[0]));
                }
            }
            case GIVEN -> memory.copyFrom(given.asSlice(0, memory.byteSize()));
            case NAN, NAN_FLOAT64 -> memory.fill((byte) 0xff);
        }
    }

    /** Copies the table over and over, from a place of it on. */
    private static void tile(MemorySegment memory, int start) {
        long from = start;
        for (long at = 0; at < memory.byteSize(); ) {
            long length = Math.min(TABLE.byteSize() - from * Float.BYTES, memory.byteSize() - at);
            MemorySegment.copy(TABLE, from * Float.BYTES, memory, at, length);
            at += length;
            from = 0;
        }
    }

    private static float[] normals() {
        SplittableRandom random = new SplittableRandom(1);
        float[] normals = new float[NORMALS];
        for (int i = 0; i < NORMALS; i++) {
            normals[i] = (float) random.nextGaussian();
        }
        return normals;
    }

    private static long elements(long... shape) {
        long count = 1;
        for (long size : shape) {
            count *= size;
        }
        return count;
    }
}
