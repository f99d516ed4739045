package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import org.airelab.torch.Aten;
import org.airelab.torch.ScalarType;

/** The mean of some passes' losses. It is summed on the device, so that no pass has to wait for its own. */
final class MeanLoss {
    private final NDArray sum;
    private int count;

    /** {@code manager} owns the sum. */
    MeanLoss(NDManager manager) {
        sum = manager.zeros(new Shape(), DataType.FLOAT64);
    }

    /** Another pass's, a number on the device; nothing of this is recorded. */
    void add(NDManager scope, NDArray loss) {
        sum.addi(Aten.to(scope, loss, ScalarType.FLOAT64));
        count++;
    }

    /** The mean in nats since the last call; NaN without any. */
    double take() {
        double mean = sum.getDouble() / count;
        Aten.zero(sum);
        count = 0;
        return mean;
    }
}
