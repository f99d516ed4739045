package org.airelab.nn;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.Tensor;

/**
 * Rotation and attention of packed rows; the second argument is the first once more. The rotation is done in the rows
 * themselves: their linear layer's backward pass does not need what it gave, and so nothing is kept twice.
 */
final class AttentionFunction extends CustomFunction {
    private final DeviceKernels kernels;
    private final HeadCounts counts;
    private final ContextExchange context;
    private final Rotation rotation;

    /** {@code counts} of the rows it is given. */
    AttentionFunction(DeviceKernels kernels, ModelConfig config, ContextExchange context, HeadCounts counts) {
        // Made before the function is registered: there may be no memory for it.
        this(kernels, context, counts,
                config.rotary() ? new Rotation(kernels, config, context.division(), counts) : null);
    }

    private AttentionFunction(DeviceKernels kernels, ContextExchange context, HeadCounts counts, Rotation rotation) {
        this.kernels = kernels;
        this.context = context;
        this.counts = counts;
        this.rotation = rotation;
    }

    private Attention attention(Tensor rows) {
        return context.attention(kernels.of(Attention.FAMILY, rows.type()), rows.type(), rows.device());
    }

    private AttentionShape shape(Tensor qkv) {
        return new AttentionShape((int) qkv.size(0), (int) qkv.size(1), counts.queries(), counts.keyValues(),
                counts.size(), true);
    }

    @Override
    protected Result forward(Made made, Tensor qkv, Tensor same) {
        AttentionShape shape = shape(qkv);
        if (rotation != null) {
            rotation.rotate(qkv, false);
        }
        // The result and, behind it in float32, the log-sum-exps.
        long logSums = shape.lseSize() * (Float.BYTES / qkv.type().bytes());
        Tensor saved = made.like(qkv, logSumsAt(shape, qkv) / qkv.type().bytes() + logSums);
        Tensor out = made.add(saved.view(0, FusedOps.withLast(qkv, counts.width())));
        attention(qkv).forward(shape, qkv.kernelMemory(), out.kernelMemory(),
                saved.kernelMemory().asSlice(logSumsAt(shape, qkv)));
        return new Result(out, saved);
    }

    @Override
    protected Gradients backward(Made made, Tensor dOut, Tensor qkv, Tensor same, Tensor saved) {
        AttentionShape shape = shape(qkv);
        Tensor dQkv = made.like(qkv, qkv.shape());
        MemorySegment out = saved.kernelMemory().asSlice(0, shape.outSize() * qkv.type().bytes());
        MemorySegment lse = saved.kernelMemory().asSlice(logSumsAt(shape, qkv));
        if (rotation == null) {
            attention(qkv).backward(shape, dOut.kernelMemory(), qkv.kernelMemory(), out, lse, dQkv.kernelMemory());
        } else if (!attention(qkv).backwardOfRotated(shape, rotation.table(shape.time()), dOut.kernelMemory(),
                qkv.kernelMemory(), out, lse, dQkv.kernelMemory())) {
            rotation.rotate(dQkv, true);
        }
        return new Gradients(dQkv, null);
    }

    /** Bytes from the result's first to the first log-sum-exp, whole numbers of those. */
    private static long logSumsAt(AttentionShape shape, Tensor qkv) {
        return (shape.outSize() * qkv.type().bytes() + Float.BYTES - 1) / Float.BYTES * Float.BYTES;
    }
}
