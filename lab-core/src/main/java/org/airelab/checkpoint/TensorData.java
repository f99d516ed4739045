package org.airelab.checkpoint;

import java.lang.foreign.MemorySegment;

/**
 * A tensor's type, shape and memory. Two are equal when type and shape are and they lie over the same memory.
 *
 * @param info type and shape
 * @param data the elements, little-endian and row-major, exactly {@link TensorInfo#byteSize()} bytes; the record
 *             does not own this memory
 */
public record TensorData(TensorInfo info, MemorySegment data) {
    /** @throws IllegalArgumentException when the memory has another size than type and shape ask for */
    public TensorData {
        if (data.byteSize() != info.byteSize()) {
            throw new IllegalArgumentException(
                    "expected " + info.byteSize() + " bytes for " + info + ", found " + data.byteSize());
        }
    }

    /** A tensor of that type and shape over the memory. */
    public TensorData(DType dtype, long[] shape, MemorySegment data) {
        this(new TensorInfo(dtype, shape), data);
    }

    /** The type of the elements. */
    public DType dtype() {
        return info.dtype();
    }

    /** The dimensions, row-major. */
    public long[] shape() {
        return info.shape();
    }
}
