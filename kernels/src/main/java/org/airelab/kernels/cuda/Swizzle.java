package org.airelab.kernels.cuda;

/** How the Tensor Memory Accelerator permutes 16-byte pieces of a tile's rows against bank conflicts. */
public enum Swizzle {
    /** Rows as they are, of any width. */
    NONE(0),
    /** Within 32 bytes, which is the widest row. */
    BYTES_32(32),
    /** Within 64 bytes, which is the widest row. */
    BYTES_64(64),
    /** Within 128 bytes, which is the widest row. */
    BYTES_128(128);

    private final int bytes;

    Swizzle(int bytes) {
        this.bytes = bytes;
    }

    /** The widest row of a tile, 0 for no limit. */
    int bytes() {
        return bytes;
    }

    /** The driver's number: CUtensorMapSwizzle. */
    int code() {
        return ordinal();
    }
}
