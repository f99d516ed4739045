package org.airelab.distributed.comm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import org.airelab.base.SplitMix64;
import org.airelab.distributed.group.Reduction;
import org.airelab.torch.ScalarType;

/**
 * The values of a check, which every rank can compute, and whether others are right.
 *
 * @param round    another one has other values
 * @param size     ranks
 * @param promised whether reductions have to be as {@link Reduction} promises: half types summed in float32, NaN the
 *                 largest and the smallest; else as NCCL has them: half types rounded after each addition, NaN passed
 *                 by
 */
record CheckValues(int round, int size, boolean promised) {
    private long random(int rank, long index) {
        return new SplitMix64(round * 1_000_003L + rank * 7919L + index * 1_000_000_007L).nextLong();
    }

    /** A value that the type has; now and then infinite or no number. */
    private double value(ScalarType type, int rank, long index) {
        long random = random(rank, index);
        if ((random & 0xfff) == 0) {
            return (random & 0x1000) == 0 ? Double.NaN : (random & 0x2000) == 0 ? Double.POSITIVE_INFINITY : -0.0;
        }
        double magnitude = Math.scalb(1.0, (int) (random >>> 13 & 15) - 12);
        float value = (float) ((random >> 20) * 0x1p-43 * magnitude);
        return switch (type) {
            case FLOAT16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            case BFLOAT16 -> Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
            default -> value;
        };
    }

    /** Sets the element at {@code at} to value {@code index} of a rank. */
    void set(MemorySegment array, ScalarType type, long at, int rank, long index) {
        if (type == ScalarType.INT64) {
            array.setAtIndex(JAVA_LONG, at, random(rank, index));
        } else {
            type.kernelType().set(array, at, (float) value(type, rank, index));
        }
    }

    /** Null when the element at {@code at} is value {@code index} of a rank, else what it is and should be. */
    String differs(MemorySegment array, ScalarType type, long at, int rank, long index) {
        if (type == ScalarType.INT64) {
            long found = array.getAtIndex(JAVA_LONG, at);
            long expected = random(rank, index);
            return found == expected ? null : found + ", and not " + expected;
        }
        float found = type.kernelType().get(array, at);
        float expected = (float) value(type, rank, index);
        return Float.compare(found, expected) == 0 ? null : found + ", and not " + expected;
    }

    /** The same for the reduction of all ranks' values {@code index}. */
    String differsReduced(MemorySegment array, ScalarType type, Reduction reduction, long at, long index) {
        if (type == ScalarType.INT64) {
            long found = array.getAtIndex(JAVA_LONG, at);
            long expected = reduced(reduction, index);
            return found == expected ? null : found + ", and not " + expected;
        }
        float found = type.kernelType().get(array, at);
        double expected = reduced(type, reduction, index);
        double tolerance = reduction == Reduction.SUM ? tolerance(type, expected, index) : 0;
        boolean right = Double.isNaN(expected) ? Float.isNaN(found)
                : found == expected || !Double.isInfinite(expected) && Math.abs(found - expected) <= tolerance;
        return right ? null : found + ", and not " + expected;
    }

    private long reduced(Reduction reduction, long index) {
        long result = random(0, index);
        for (int rank = 1; rank < size; rank++) {
            long value = random(rank, index);
            result = switch (reduction) {
                case SUM -> result + value;
                case MAX -> Math.max(result, value);
                case MIN -> Math.min(result, value);
            };
        }
        return result;
    }

    private double reduced(ScalarType type, Reduction reduction, long index) {
        double result = value(type, 0, index);
        for (int rank = 1; rank < size; rank++) {
            double value = value(type, rank, index);
            boolean one = !promised && reduction != Reduction.SUM && (Double.isNaN(result) || Double.isNaN(value));
            result = one ? Double.isNaN(result) ? value : result : switch (reduction) {
                case SUM -> result + value;
                case MAX -> Math.max(result, value);
                case MIN -> Math.min(result, value);
            };
        }
        return result;
    }

    /** Sums in float32, then one rounding to 8 bits of bfloat16, 11 of float16 (denormals: 2^-24); or one each time. */
    private double tolerance(ScalarType type, double expected, long index) {
        double magnitude = 0;
        for (int rank = 0; rank < size; rank++) {
            magnitude += Math.abs(value(type, rank, index));
        }
        double rounded = promised ? Math.abs(expected) : size * magnitude;
        double denormal = promised ? 0x1p-25 : size * 0x1p-25;
        return size * magnitude * 0x1p-24 + switch (type) {
            case FLOAT16 -> Math.max(rounded * 0x1p-11, denormal);
            case BFLOAT16 -> rounded * 0x1p-8;
            default -> 0;
        };
    }
}
