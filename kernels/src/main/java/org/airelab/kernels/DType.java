package org.airelab.kernels;

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

    /** The name reports use: {@code fp32}, {@code fp16}, {@code bf16}. */
    @Override
    public String toString() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
