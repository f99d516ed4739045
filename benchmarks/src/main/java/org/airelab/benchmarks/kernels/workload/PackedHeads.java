package org.airelab.benchmarks.kernels.workload;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.torch.Aten;
import org.airelab.torch.Operator;
import org.airelab.torch.Tensor;

/** Views of packed rows of queries, keys and values as libtorch takes them: [batch, heads, time, size]. */
final class PackedHeads {
    private static final Operator TRANSPOSE = Operator.of("aten::transpose", "int");

    private final NDManager manager;
    private final AttentionShape shape;
    private final NDArray q;
    private final NDArray k;
    private final NDArray v;

    /** Views that end with a manager. */
    PackedHeads(NDManager scope, AttentionShape s, Tensor packed) {
        manager = scope;
        shape = s;
        NDArray rows = packed.view(0, s.batch(), s.time(), s.heads() + 2L * s.kvHeads(), s.headSize())
                .attach(manager);
        q = heads(rows, 0, s.heads());
        k = heads(rows, s.heads(), s.kvHeads());
        v = heads(rows, s.heads() + s.kvHeads(), s.kvHeads());
    }

    private NDArray heads(NDArray rows, int first, int count) {
        return Aten.transpose(manager, Aten.narrow(manager, rows, 2, first, count), 1, 2);
    }

    NDArray q() {
        return q;
    }

    NDArray k() {
        return k;
    }

    NDArray v() {
        return v;
    }

    /** [batch, time, heads * size] as [batch, heads, time, size]. */
    NDArray perHead(Tensor rows) {
        return Aten.transpose(manager,
                rows.view(0, shape.batch(), shape.time(), shape.heads(), shape.headSize()).attach(manager), 1, 2);
    }

    /**
     * Results [batch, heads, time, size], which it closes, as the rows of ours: libtorch's own layout is [batch, time,
     * heads, size] behind a transposition.
     */
    static Tensor[] rows(Tensor... results) {
        Tensor[] rows = new Tensor[results.length];
        for (int i = 0; i < rows.length; i++) {
            try (Tensor result = results[i]) {
                rows[i] = TRANSPOSE.call().tensor(result).integer(1).integer(2).tensors(1)[0];
            }
        }
        return rows;
    }

    /** Rows of queries, keys and values, a tensor each, as the one whose rows are packed. */
    static List<float[]> packed(AttentionShape s, List<float[]> parts) {
        int rows = s.batch() * s.time();
        float[] packed = new float[rows * s.packedWidth()];
        int column = 0;
        for (float[] part : parts) {
            int width = part.length / rows;
            for (int row = 0; row < rows; row++) {
                System.arraycopy(part, row * width, packed, row * s.packedWidth() + column, width);
            }
            column += width;
        }
        return List.of(packed);
    }
}
