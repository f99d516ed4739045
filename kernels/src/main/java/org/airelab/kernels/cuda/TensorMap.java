package org.airelab.kernels.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.airelab.kernels.DType;

/**
 * A tensor map (CUtensorMap): the description by which the Tensor Memory Accelerator of sm_90 and up copies tiles of a
 * tensor. What a tile has outside the tensor is read as zeros and not written. It is encoded by the driver when it is
 * first used, so that making one needs no device. The limits are those of the CUDA driver API,
 * {@code cuTensorMapEncodeTiled}.
 */
public final class TensorMap {
    /** Size of a CUtensorMap. */
    static final int BYTES = 128;
    /** CUtensorMapInterleave, CUtensorMapL2promotion and CUtensorMapFloatOOBfill. */
    static final int NO_INTERLEAVING = 0;
    static final int PROMOTE_TO_256_BYTES = 3;
    static final int ZEROS_OUT_OF_BOUNDS = 0;

    private static final int ALIGNMENT = 128;
    private static final int MOST_DIMENSIONS = 5;
    private static final long MOST_SIZE = 1L << 32;
    private static final long STRIDE_LIMIT = 1L << 40;
    private static final int MOST_BOX = 256;
    private static final int GRANULE = 16;

    private final DType type;
    private final MemorySegment tensor;
    private final long[] sizes;
    private final long[] strides;
    private final int[] box;
    private final Swizzle swizzle;
    private MemorySegment encoded;

    private TensorMap(DType type, MemorySegment tensor, long[] sizes, long[] strides, int[] box, Swizzle swizzle) {
        this.type = type;
        this.tensor = tensor;
        this.sizes = sizes.clone();
        this.strides = strides.clone();
        this.box = box.clone();
        this.swizzle = swizzle;
    }

    /**
     * A map of a tensor's tiles.
     *
     * @param tensor  device memory that holds the tensor, at a multiple of 16
     * @param sizes   elements along each dimension, the contiguous one first: 1 to 5 dimensions of 1 to 2^32 elements
     * @param strides bytes from one index to the next of each dimension but the first: multiples of 16 below 2^40
     * @param box     elements of a tile along each dimension: 1 to 256, along the first a multiple of 16 bytes and with
     *                a swizzle no more bytes than that
     * @throws IllegalArgumentException when a limit is broken, or the tensor is larger than its memory
     */
    public static TensorMap tiled(DType type, MemorySegment tensor, long[] sizes, long[] strides, int[] box,
            Swizzle swizzle) {
        int rank = sizes.length;
        require(rank >= 1 && rank <= MOST_DIMENSIONS, "1 to 5 dimensions", rank);
        require(strides.length == rank - 1, "a stride for each of " + (rank - 1) + " dimensions", strides.length);
        require(box.length == rank, "a tile of " + rank + " dimensions", box.length);
        require(tensor.address() % GRANULE == 0, "memory at a multiple of 16", tensor.address());
        for (long size : sizes) {
            require(size >= 1 && size <= MOST_SIZE, "sizes of 1 to 4294967296", size);
        }
        for (long stride : strides) {
            require(stride > 0 && stride < STRIDE_LIMIT && stride % GRANULE == 0,
                    "strides that are multiples of 16 bytes below 2^40", stride);
        }
        for (int extent : box) {
            require(extent >= 1 && extent <= MOST_BOX, "a tile of 1 to 256 elements a dimension", extent);
        }
        int row = box[0] * type.bytes();
        require(row % GRANULE == 0, "tiles with rows of a multiple of 16 bytes", row);
        require(swizzle == Swizzle.NONE || row <= swizzle.bytes(),
                "tiles with rows of at most the swizzle's " + swizzle.bytes() + " bytes", row);
        requireWithin(type, tensor, sizes, strides);
        return new TensorMap(type, tensor, sizes, strides, box, swizzle);
    }

    private static void requireWithin(DType type, MemorySegment tensor, long[] sizes, long[] strides) {
        // In double precision, which cannot overflow: the bound itself is far below 2^53.
        double end = (double) sizes[0] * type.bytes();
        for (int i = 0; i < strides.length; i++) {
            end += (double) (sizes[i + 1] - 1) * strides[i];
        }
        if (end > tensor.byteSize()) {
            throw new IllegalArgumentException(String.format("tensor map: expected memory of at least %.0f bytes, "
                    + "found %d", end, tensor.byteSize()));
        }
    }

    private static void require(boolean condition, String expected, long found) {
        if (!condition) {
            throw new IllegalArgumentException("tensor map: expected " + expected + ", found " + found);
        }
    }

    /** The CUtensorMap in the host's memory: 128 bytes, aligned to as many. */
    synchronized MemorySegment memory() {
        if (encoded == null) {
            MemorySegment target = Arena.ofAuto().allocate(BYTES, ALIGNMENT);
            DriverExtensions.get().encode(this, target);
            encoded = target;
        }
        return encoded;
    }

    /** The same tiles of a tensor of the same sizes elsewhere. */
    TensorMap over(MemorySegment other) {
        return tiled(type, other, sizes, strides, box, swizzle);
    }

    MemorySegment tensor() {
        return tensor;
    }

    int rank() {
        return sizes.length;
    }

    long address() {
        return tensor.address();
    }

    long[] sizes() {
        return sizes;
    }

    long[] strides() {
        return strides;
    }

    int[] box() {
        return box;
    }

    Swizzle swizzle() {
        return swizzle;
    }

    /** CUtensorMapDataType. */
    int typeCode() {
        return switch (type) {
            case FP16 -> 6;
            case FP32 -> 7;
            case BF16 -> 9;
        };
    }

    @Override
    public String toString() {
        return type + " tensor of " + Arrays.toString(sizes) + ", strides " + Arrays.toString(strides) + ", tiles of "
                + Arrays.toString(box) + ", swizzle " + swizzle;
    }
}
