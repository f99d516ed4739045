package org.airelab.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** The element types kernels compute on. */
public enum DType {
    /** IEEE 754 single precision. */
    FP32(4),
    /** IEEE 754 half precision: 5 exponent bits, 10 of fraction. */
    FP16(2),
    /** Brain floating point: float32's 8 exponent bits, 7 of fraction. */
    BF16(2);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes an element takes. */
    public int bytes() {
        return bytes;
    }

    /** An element of host memory. */
    public float get(MemorySegment segment, long index) {
        return switch (this) {
            case FP32 -> segment.getAtIndex(JAVA_FLOAT_UNALIGNED, index);
            case FP16 -> Float.float16ToFloat(segment.getAtIndex(JAVA_SHORT_UNALIGNED, index));
            case BF16 -> Float.intBitsToFloat(segment.getAtIndex(JAVA_SHORT_UNALIGNED, index) << Short.SIZE);
        };
    }

    /** Sets an element of host memory, rounded to the nearest, ties to even. */
    public void set(MemorySegment segment, long index, float value) {
        switch (this) {
            case FP32 -> segment.setAtIndex(JAVA_FLOAT_UNALIGNED, index, value);
            case FP16 -> segment.setAtIndex(JAVA_SHORT_UNALIGNED, index, Float.floatToFloat16(value));
            case BF16 -> segment.setAtIndex(JAVA_SHORT_UNALIGNED, index, toBrainFloat(value));
        }
    }

    private static short toBrainFloat(float value) {
        var bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            // Rounding could carry a NaN's fraction away: this one is what the hardware gives.
            return 0x7fff;
        }
        return (short) (bits + 0x7fff + (bits >>> Short.SIZE & 1) >>> Short.SIZE);
    }

    /** The name reports use: {@code fp32}, {@code fp16}, {@code bf16}. */
    @Override
    public String toString() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
