package org.airelab.checkpoint;

import java.util.Arrays;

/**
 * A tensor's element type and shape.
 *
 * @param shape the dimensions, row-major, none negative; none at all is a scalar
 */
public record TensorInfo(DType dtype, long[] shape) {
    public TensorInfo {
        shape = shape.clone();
        byteSize(dtype, shape);
    }

    @Override
    public long[] shape() {
        return shape.clone();
    }

    /** Elements in all: the product of the dimensions. */
    public long elements() {
        return byteSize() / dtype.bytes();
    }

    /** Bytes the elements take. */
    public long byteSize() {
        return byteSize(dtype, shape);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TensorInfo info && dtype == info.dtype && Arrays.equals(shape, info.shape);
    }

    @Override
    public int hashCode() {
        return 31 * dtype.hashCode() + Arrays.hashCode(shape);
    }

    @Override
    public String toString() {
        return dtype + Arrays.toString(shape);
    }

    private static long byteSize(DType dtype, long[] shape) {
        long bytes = dtype.bytes();
        for (long dimension : shape) {
            if (dimension < 0) {
                throw new IllegalArgumentException(
                        "expected dimensions of 0 or more, found " + Arrays.toString(shape));
            }
            if (dimension != 0 && bytes > Long.MAX_VALUE / dimension) {
                throw new IllegalArgumentException("expected fewer than 2^63 bytes, found " + dtype + " "
                        + Arrays.toString(shape));
            }
            bytes *= dimension;
        }
        return bytes;
    }
}
