package org.airelab.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** Tensor maps for the shim's emulation of TMA, in place of the driver's own encoding. */
public final class HostTensorMap {
    /** CUtensorMapDataType of float32; the half types have others. */
    private static final int TYPE_FP32 = 7;
    private static final int BOX = 20;
    private static final int SIZES = 40;
    private static final int STRIDES = 80;

    private HostTensorMap() {}

    /** The memory that a map is of. */
    public static MemorySegment tensor(TensorMap map) {
        return map.tensor();
    }

    /** The same map of a copy of its memory. */
    public static TensorMap over(TensorMap map, MemorySegment copy) {
        return map.over(copy);
    }

    /** The map as {@code tma.hpp} reads it. */
    public static MemorySegment encode(TensorMap map, Arena arena) {
        var encoded = arena.allocate(TensorMap.BYTES, TensorMap.BYTES);
        encoded.set(JAVA_LONG, 0, map.address());
        encoded.set(JAVA_INT, 8, map.rank());
        encoded.set(JAVA_INT, 12, map.swizzle().bytes());
        encoded.set(JAVA_INT, 16, map.typeCode() == TYPE_FP32 ? DType.FP32.bytes() : DType.BF16.bytes());
        for (var i = 0; i < map.rank(); i++) {
            encoded.set(JAVA_INT, BOX + 4L * i, map.box()[i]);
            encoded.set(JAVA_LONG, SIZES + 8L * i, map.sizes()[i]);
        }
        for (var i = 0; i < map.rank() - 1; i++) {
            encoded.set(JAVA_LONG, STRIDES + 8L * i, map.strides()[i]);
        }
        return encoded;
    }
}
