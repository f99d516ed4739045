package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import org.airelab.data.TokenBatch;
import org.airelab.nn.ContextDivision;
import org.airelab.torch.Aten;

/**
 * What a batch is to predict.
 *
 * @param ids     int64 [batch * time] on the model's device; {@link Aten#IGNORED} where nothing is
 * @param counted how many are not ignored: known to the host, so that nobody waits for a device to count them. Of ranks
 *                that have tokens of the same sequences it is the mean over the ranks, so that the mean of the losses
 *                they then compute, and of its gradients, is that over all tokens, on whichever rank they count
 */
public record Targets(NDArray ids, double counted) {
    /** Copies a rank's to the device of {@code scope}, which owns them. */
    public static Targets of(NDManager scope, TokenBatch batch, ContextDivision division) {
        double counted = Arrays.stream(batch.targets()).filter(id -> id != Aten.IGNORED).count();
        return new Targets(scope.create(division.of(batch.targets(), batch.contextLength())),
                counted / division.ranks());
    }
}
