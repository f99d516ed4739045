package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import org.airelab.torch.Aten;

/**
 * What a batch is to predict.
 *
 * @param ids     int64 [batch * time] on the model's device; {@link Aten#IGNORED} where nothing is
 * @param counted how many are not ignored: known to the host, so that nobody waits for a device to count them
 */
public record Targets(NDArray ids, long counted) {
    /** Copies them to the device of {@code scope}, which owns them. */
    public static Targets of(NDManager scope, long[] ids) {
        return new Targets(scope.create(ids), Arrays.stream(ids).filter(id -> id != Aten.IGNORED).count());
    }
}
