package org.airelab.distributed.group;

import java.lang.foreign.MemorySegment;
import org.airelab.torch.ScalarType;

/** Checks of what callers of a {@link ProcessGroup} pass. */
final class Operands {
    private Operands() {
    }

    /** The number of elements in native memory. */
    static long count(MemorySegment memory, ScalarType type) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException("expected native memory, found a segment of the heap");
        }
        if (memory.byteSize() % type.bytes() != 0) {
            throw new IllegalArgumentException("expected whole " + type + " values, found " + memory.byteSize()
                    + " bytes");
        }
        return memory.byteSize() / type.bytes();
    }

    static void blocks(String what, MemorySegment memory, int size, long count, ScalarType type) {
        long found = count(memory, type);
        if (found != Math.multiplyExact(size, count)) {
            throw new IllegalArgumentException("expected " + what + " of " + size + " blocks of " + count + " " + type
                    + " values, found " + found + " values");
        }
    }

    static void reducible(ScalarType type) {
        switch (type) {
            case FLOAT32, BFLOAT16, FLOAT16, INT64 -> { }
            default -> throw new IllegalArgumentException(
                    "expected float32, bfloat16, float16 or int64 values to reduce, found " + type);
        }
    }

    static void rank(int rank, int size) {
        if (rank < 0 || rank >= size) {
            throw new IllegalArgumentException("expected a rank from 0 to " + (size - 1) + ", found " + rank);
        }
    }

    static void otherRank(int partner, int rank, int size) {
        rank(partner, size);
        if (partner == rank) {
            throw new IllegalArgumentException("expected another rank to exchange a message with, found rank " + rank
                    + " itself");
        }
    }
}
