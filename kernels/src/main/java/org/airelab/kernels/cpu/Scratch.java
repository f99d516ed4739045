package org.airelab.kernels.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One growing block of native memory a thread, reused from call to call. A task of a kernel may hold one block at a
 * time: asking again may move it, and never keeps the contents.
 */
public final class Scratch {
    private static final long ALIGNMENT = 64;
    private static final ThreadLocal<MemorySegment> BLOCK = new ThreadLocal<>();

    private Scratch() {}

    /** The address, a multiple of 64, of at least {@code bytes} bytes that belong to the current thread. */
    public static long address(long bytes) {
        var block = BLOCK.get();
        if (block == null || block.byteSize() < bytes) {
            // An automatic arena frees the block when its thread is gone or has a larger one.
            block = Arena.ofAuto().allocate(Math.max(bytes, 1 << 16), ALIGNMENT);
            BLOCK.set(block);
        }
        return block.address();
    }

    /** A size in bytes rounded up so that what follows it in a block stays aligned. */
    public static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }
}
