package org.airelab.distributed.contextparallel;

import ai.djl.Device;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.kernels.attention.Attention;
import org.airelab.nn.ContextDivision;
import org.airelab.nn.ContextExchange;
import org.airelab.torch.ScalarType;

/**
 * The ranks of a group share every sequence ({@link ContextDivision}), and their attention is ring attention (Liu,
 * Zaharia and Abbeel, "Ring Attention with Blockwise Transformers for Near-Infinite Context", 2023): keys and values go
 * from rank to rank while each rank's queries meet those that it has at the time.
 *
 * <p>Of a layer with {@code n = batch * time / ranks * 2 * kvHeads * headSize} keys and values on each rank a forward
 * pass sends {@code (ranks - 1) n} elements of the layer's type from each rank to the next. A backward pass sends them
 * once more, and as many float32 sums of gradients.
 */
public final class ContextParallel implements ContextExchange {
    private final ProcessGroup group;

    private ContextParallel(ProcessGroup group) {
        this.group = group;
    }

    /** Over the ranks of a group, in whose collectives' memory the model lies; whole sequences where it is null. */
    public static ContextExchange over(ProcessGroup group) {
        return group == null ? NONE : new ContextParallel(group);
    }

    @Override
    public ContextDivision division() {
        return new ContextDivision(group.rank(), group.size());
    }

    @Override
    public Attention attention(Attention kernel, ScalarType type, Device device) {
        return new RingAttention(kernel, group, type, device);
    }
}
