package org.airelab.distributed.tensorparallel;

import org.airelab.torch.JavaFunction.Made;
import org.airelab.torch.Tensor;

/**
 * The border between the stream, of which a rank has all or its own tokens, and what is divided otherwise. The two ways
 * across it are each other's backward pass: f and g of Shoeybi et al. (2019), figure 3; with g-bar of Korthikanti et
 * al. (2022), figure 5. All tensors are [batch, time, width] and contiguous.
 */
interface Border {
    /** From this rank's part of the stream to all of it, in a tensor of its own; its memory may be the part's. */
    Pending whole(Made made, Tensor part);

    /** From values whose sum over the ranks is the stream, which are overwritten, to this rank's part of it. */
    Pending sum(Made made, Tensor partial);
}
