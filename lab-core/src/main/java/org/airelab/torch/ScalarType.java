package org.airelab.torch;

import java.util.Locale;
import org.airelab.kernels.DType;

/** The element types of tensors, with PyTorch's codes ({@code c10::ScalarType}) and the names PyTorch gives them. */
public enum ScalarType {
    /** 8-bit unsigned integer. */
    UINT8(0, 1),
    /** 32-bit integer. */
    INT32(3, 4),
    /** 64-bit integer. */
    INT64(4, 8),
    /** IEEE 754 half precision: 5 exponent bits, 10 of fraction. */
    FLOAT16(5, 2),
    /** IEEE 754 single precision. */
    FLOAT32(6, 4),
    /** IEEE 754 double precision. */
    FLOAT64(7, 8),
    /** Truth value, one byte. */
    BOOL(11, 1),
    /** Brain floating point: float32's 8 exponent bits, 7 of fraction. */
    BFLOAT16(15, 2);

    private final int code;
    private final int bytes;

    ScalarType(int code, int bytes) {
        this.code = code;
        this.bytes = bytes;
    }

    /** {@code c10::ScalarType}'s number. */
    public int code() {
        return code;
    }

    /** Bytes an element takes. */
    public int bytes() {
        return bytes;
    }

    /** Whether elements are floating-point numbers. */
    public boolean floating() {
        return this == FLOAT16 || this == FLOAT32 || this == FLOAT64 || this == BFLOAT16;
    }

    /** What kernels call a floating-point type that they have. */
    public DType kernelType() {
        return switch (this) {
            case FLOAT32 -> DType.FP32;
            case FLOAT16 -> DType.FP16;
            case BFLOAT16 -> DType.BF16;
            default -> throw new IllegalArgumentException("expected a floating-point type that kernels have, found "
                    + this);
        };
    }

    /** The type with PyTorch's number {@code code}. */
    static ScalarType of(int code) {
        for (ScalarType type : values()) {
            if (type.code == code) {
                return type;
            }
        }
        throw new IllegalArgumentException("element type " + code + " of c10::ScalarType is none the bridge knows");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
