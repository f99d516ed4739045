package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.stream.IntStream;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/**
 * Rotary position embedding (Su et al. 2021) by plain operators: the pair j of a head at position t is turned by the
 * angle t * theta^(-2j/size). Angles are computed in float64, products in float32 or the input's float64.
 */
final class TorchRotary {
    private final boolean interleaved;
    private final int pairs;
    private final NDArray cos;
    private final NDArray sin;

    /** Tables [contextLength, 1, size/2] on a device; {@code manager} owns them. */
    TorchRotary(NDManager manager, ModelConfig config, ScalarType type) {
        interleaved = config.positions() == ModelConfig.Positions.ROPE_INTERLEAVED;
        pairs = config.headSize() / 2;
        double[] frequencies = IntStream.range(0, pairs)
                .mapToDouble(j -> Math.pow(config.ropeTheta(), -2.0 * j / config.headSize())).toArray();
        ScalarType kept = type == ScalarType.FLOAT64 ? ScalarType.FLOAT64 : ScalarType.FLOAT32;
        int rows = config.contextLength();
        cos = FixedTable.of(manager, kept, rows, pairs, (t, j) -> Math.cos(t * frequencies[j])).reshape(rows, 1, pairs);
        sin = FixedTable.of(manager, kept, rows, pairs, (t, j) -> Math.sin(t * frequencies[j])).reshape(rows, 1, pairs);
    }

    /** Rotates x [batch, time, heads, size], whose first row is at position {@code start}. */
    NDArray rotate(NDArray x, int start) {
        NDManager scope = x.getManager();
        long time = x.getShape().get(1);
        NDArray c = Aten.narrow(scope, cos, 0, start, time);
        NDArray s = Aten.narrow(scope, sin, 0, start, time);
        NDArray pairsLast = interleaved ? x.reshape(x.getShape().slice(0, 3).add(pairs).add(2)) : null;
        NDArray a = interleaved ? Aten.select(scope, pairsLast, -1, 0) : Aten.narrow(scope, x, -1, 0, pairs);
        NDArray b = interleaved ? Aten.select(scope, pairsLast, -1, 1) : Aten.narrow(scope, x, -1, pairs, pairs);
        NDArray first = a.mul(c).sub(b.mul(s));
        NDArray second = b.mul(c).add(a.mul(s));
        NDArray rotated = interleaved ? NDArrays.stack(new NDList(first, second), -1).reshape(x.getShape())
                : NDArrays.concat(new NDList(first, second), -1);
        return Aten.to(scope, rotated, NativeArrays.type(x));
    }
}
