package org.airelab.kernels.attention;

import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.Native;

/** The backward pass of queries that have seen the keys of two blocks of rows, one block at a time. */
final class MoreKeys {
    private static final int TIME = 40;
    private static final AttentionShape BOTH = new AttentionShape(1, 2 * TIME, 4, 2, 24, false);
    private static final AttentionShape BLOCK = new AttentionShape(1, TIME, 4, 2, 24, false);

    /** A backward pass over arrays of floats, which gives the gradient of the packed rows. */
    interface Backward {
        MemorySegment run(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
                MemorySegment lse);
    }

    private MoreKeys() {
    }

    /** Asserts that the blocks' gradients are those of both together, of the first block's queries alone. */
    static void assertBlocksAddUp(Backward backward, double tolerance) {
        var qkv = normal(BOTH.packedSize(), 1, 1.2);
        var dOut = zeros(BOTH.outSize());
        dOut.copyFrom(normal(BLOCK.outSize(), 2, 1));
        var out = zeros(BOTH.outSize());
        var lse = zeros(BOTH.lseSize());
        var expected = zeros(BOTH.packedSize());
        Attention.FAMILY.reference().forward(BOTH, qkv, out, lse);
        Attention.FAMILY.reference().backward(BOTH, dOut, qkv, out, lse, expected);

        var queries = zeros(BLOCK.packedSize());
        for (var block = 0; block < 2; block++) {
            var found = backward.run(BLOCK, dOut.asSlice(0, 4 * BLOCK.outSize()), block(qkv, block),
                    out.asSlice(0, 4 * BLOCK.outSize()), firstRows(lse));
            var rows = expected.asSlice(4 * block * BLOCK.packedSize(), 4 * BLOCK.packedSize());
            assertClose(keysAndValues(rows), keysAndValues(found), tolerance);
            for (var i = 0; i < BLOCK.packedSize(); i++) {
                Native.set(queries, i, Native.get(queries, i) + Native.get(found, i));
            }
        }
        assertClose(queries(expected), queries(queries), tolerance);
    }

    /** The first block's queries with a block's keys and values. */
    private static MemorySegment block(MemorySegment qkv, int block) {
        var rows = zeros(BLOCK.packedSize());
        rows.copyFrom(qkv.asSlice(4 * block * BLOCK.packedSize(), 4 * BLOCK.packedSize()));
        for (var i = 0; i < TIME; i++) {
            MemorySegment.copy(qkv, 4 * BLOCK.query(0, i, 0), rows, 4 * BLOCK.query(0, i, 0), 4L * BLOCK.outWidth());
        }
        return rows;
    }

    private static MemorySegment firstRows(MemorySegment lse) {
        var first = zeros(BLOCK.lseSize());
        for (var head = 0; head < BLOCK.heads(); head++) {
            MemorySegment.copy(lse, 4 * BOTH.lse(0, 0, head), first, 4 * BLOCK.lse(0, 0, head), 4L * TIME);
        }
        return first;
    }

    private static MemorySegment queries(MemorySegment rows) {
        return columns(rows, 0, BLOCK.heads());
    }

    private static MemorySegment keysAndValues(MemorySegment rows) {
        return columns(rows, BLOCK.heads(), 2 * BLOCK.kvHeads());
    }

    private static MemorySegment columns(MemorySegment rows, int firstHead, int heads) {
        var bytes = 4L * heads * BLOCK.headSize();
        var columns = zeros(TIME * bytes / 4);
        for (var i = 0; i < TIME; i++) {
            MemorySegment.copy(rows, 4 * BLOCK.query(0, i, firstHead), columns, i * bytes, bytes);
        }
        return columns;
    }

    private static void assertClose(MemorySegment expected, MemorySegment actual, double tolerance) {
        var error = Native.error(expected, actual);
        assertTrue(error < tolerance, () -> "off by " + error);
    }
}
