package org.airelab.kernels.activation;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** An {@link Activation} in plain float32 loops on one thread. */
record ScalarActivation(Curve curve, Curve slope) implements Activation {
    interface Curve {
        float at(float x);
    }

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void forward(MemorySegment x, MemorySegment y, long count) {
        Activation.check(x, y, count, DType.FP32);
        for (var i = 0L; i < count; i++) {
            set(y, i, curve.at(get(x, i)));
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment dx, long count) {
        Activation.check(dy, x, dx, count, DType.FP32);
        for (var i = 0L; i < count; i++) {
            var value = slope.at(get(x, i));
            set(dx, i, get(dy, i) * value);
        }
    }
}
