package org.airelab.distributed.contextparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * The arrays of one call of attention, over the caller's memory and over their own: [batch, 2, ...] with a rank's two
 * chunks, or two pairs of chunks, in the second dimension. They are gone when this is closed.
 */
final class Chunks implements AutoCloseable {
    private final NDManager scope;
    private final Device device;
    private final ScalarType type;
    private final AttentionShape shape;
    private final long chunk;

    /** @param shape of a rank's tokens */
    Chunks(AttentionShape shape, ScalarType type, Device device) {
        if (!shape.causal() || shape.time() % 2 != 0) {
            throw new IllegalArgumentException("expected causal attention of two chunks of one length, found " + shape);
        }
        this.shape = shape;
        this.type = type;
        this.device = device;
        this.chunk = shape.time() / 2;
        this.scope = NDManager.newBaseManager(device);
    }

    /** Pairs of chunks as the kernel sees them: sequences of their own, without a mask. */
    AttentionShape pairs() {
        return new AttentionShape(2 * shape.batch(), (int) chunk, shape.heads(), shape.kvHeads(), shape.headSize(),
                false);
    }

    /** Packed rows [batch, 2, chunk, packedWidth]. */
    NDArray rows(MemorySegment qkv) {
        return over(qkv, type, shape.batch(), 2, chunk, shape.packedWidth());
    }

    /** Results, or their gradients, [batch, 2, chunk, heads, headSize]. */
    NDArray out(MemorySegment out) {
        return over(out, type, shape.batch(), 2, chunk, shape.heads(), shape.headSize());
    }

    /** Log-sum-exps [batch, 2, heads, chunk] of memory in which the chunks of a head are neighbours. */
    NDArray logSums(MemorySegment lse) {
        return Aten.transpose(scope, over(lse, ScalarType.FLOAT32, shape.batch(), shape.heads(), 2, chunk), 1, 2);
    }

    private NDArray over(MemorySegment memory, ScalarType elements, long... sizes) {
        return Tensor.over(memory, device, elements, sizes).attach(scope);
    }

    /** Memory for packed rows. */
    NDArray newRows() {
        return make(type, chunk, shape.packedWidth());
    }

    /** Memory for results, or for their gradients. */
    NDArray newOut(ScalarType elements) {
        return make(elements, chunk, shape.heads(), shape.headSize());
    }

    /** Memory for log-sum-exps. */
    NDArray newLogSums() {
        return make(ScalarType.FLOAT32, shape.heads(), chunk);
    }

    /** Memory for keys and values, or for their gradients. */
    NDArray newKeysAndValues(ScalarType elements) {
        return make(elements, chunk, shape.packedWidth() - shape.outWidth());
    }

    private NDArray make(ScalarType elements, long... sizes) {
        long[] all = new long[sizes.length + 2];
        all[0] = shape.batch();
        all[1] = 2;
        System.arraycopy(sizes, 0, all, 2, sizes.length);
        return Tensor.empty(elements, device, all).attach(scope);
    }

    /** The queries of packed rows; a view. */
    NDArray queries(NDArray rows) {
        return Aten.narrow(scope, rows, 3, 0, shape.outWidth());
    }

    /** The keys and values of packed rows; a view. */
    NDArray keysAndValues(NDArray rows) {
        return Aten.narrow(scope, rows, 3, shape.outWidth(), shape.packedWidth() - shape.outWidth());
    }

    /** The array itself if it is float32, else a copy that is. */
    NDArray wide(NDArray array) {
        return NativeArrays.convert(scope, array, ScalarType.FLOAT32);
    }

    @Override
    public void close() {
        scope.close();
    }
}
