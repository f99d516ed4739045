package org.airelab.nn;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
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
        double[] cosines = new double[config.contextLength() * pairs];
        double[] sines = new double[cosines.length];
        for (int t = 0; t < config.contextLength(); t++) {
            for (int j = 0; j < pairs; j++) {
                double angle = t * Math.pow(config.ropeTheta(), -2.0 * j / config.headSize());
                cosines[t * pairs + j] = Math.cos(angle);
                sines[t * pairs + j] = Math.sin(angle);
            }
        }
        Shape shape = new Shape(config.contextLength(), 1, pairs);
        DataType kept = type == ScalarType.FLOAT64 ? DataType.FLOAT64 : DataType.FLOAT32;
        cos = table(manager, cosines, shape, kept);
        sin = table(manager, sines, shape, kept);
    }

    private static NDArray table(NDManager manager, double[] values, Shape shape, DataType type) {
        Device device = manager.getDevice();
        try (NDManager scope = manager.newSubManager()) {
            NDArray table = scope.create(values, shape).toType(type, false).toDevice(device, false);
            table.attach(manager);
            return table;
        }
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
