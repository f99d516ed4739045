package org.airelab.kernels.activation;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** ReLU eight lanes at a time on all cores. */
final class VectorRelu extends VectorActivation {
    private static final FloatVector ZERO = broadcast(0f);
    private static final FloatVector ONE = broadcast(1f);

    @Override
    void forward(long x, long y, int count) {
        for (var i = 0; i < count; i += COUNT) {
            store(value(load(x + 4L * i)), y + 4L * i);
        }
    }

    @Override
    void backward(long dy, long x, long dx, int count) {
        for (var i = 0; i < count; i += COUNT) {
            store(slope(load(x + 4L * i)).mul(load(dy + 4L * i)), dx + 4L * i);
        }
    }

    private static FloatVector value(FloatVector x) {
        return x.blend(ZERO, x.compare(VectorOperators.LE, ZERO));
    }

    private static FloatVector slope(FloatVector x) {
        return ONE.blend(ZERO, x.compare(VectorOperators.LE, ZERO));
    }
}
