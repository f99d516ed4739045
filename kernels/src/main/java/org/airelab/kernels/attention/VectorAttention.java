package org.airelab.kernels.attention;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Parallel;

/**
 * {@link Attention} in blocks of sixteen queries against blocks of keys, on all cores.
 *
 * <p>Scores lie with the queries in the lanes. That makes every product the same loop ({@link Panel}), the softmax free
 * of sums across lanes ({@link ScorePanel}), and any head size as good as any other. What is cut into tasks, and in which
 * order a task adds, follows from the shape alone.
 */
final class VectorAttention implements Attention {
    /** Tasks wanted at least, so that a few heads still occupy many cores. */
    private static final int TASKS = 64;

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public boolean available() {
        return Lanes.available();
    }

    @Override
    public void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        Attention.check(shape, qkv, out, lse);
        var kvHeads = shape.batch() * shape.kvHeads();
        var pieces = kvHeads == 0 ? 1 : Math.clamp(TASKS / kvHeads, 1, Parallel.pieces(shape.time(), 128));
        Parallel.forRange(kvHeads * pieces, task -> {
            // Later queries of a causal head see more keys: begin with the long tasks.
            var piece = pieces - 1 - task / kvHeads;
            var pass = new ForwardPass(shape, qkv.address(), out.address(), lse.address(), task % kvHeads);
            pass.run(block(shape, piece, pieces), block(shape, piece + 1, pieces));
        });
    }

    private static int block(AttentionShape shape, int piece, int pieces) {
        return (int) ((long) Parallel.pieces(shape.time(), Panel.COLUMNS) * piece / pieces);
    }

    @Override
    public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        Attention.check(shape, dOut, qkv, out, lse, dQkv);
        Parallel.forRange(shape.batch() * shape.kvHeads(), task ->
                new BackwardPass(shape, dOut.address(), qkv.address(), out.address(), lse.address(), dQkv.address(),
                        task).run());
    }
}
