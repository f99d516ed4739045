package org.airelab.kernels.activation;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** {@link SwiGlu} in plain float32 loops on one thread. */
final class ScalarSwiGlu implements SwiGlu {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void forward(MemorySegment gateUp, MemorySegment y, int rows, int hidden) {
        SwiGlu.check(gateUp, y, rows, hidden, DType.FP32);
        for (var row = 0L; row < rows; row++) {
            for (var i = 0; i < hidden; i++) {
                var gate = get(gateUp, 2 * row * hidden + i);
                var up = get(gateUp, 2 * row * hidden + hidden + i);
                set(y, row * hidden + i, gate / (1 + (float) Math.exp(-gate)) * up);
            }
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment gateUp, MemorySegment dGateUp, int rows, int hidden) {
        SwiGlu.check(dy, gateUp, dGateUp, rows, hidden, DType.FP32);
        for (var row = 0L; row < rows; row++) {
            for (var i = 0; i < hidden; i++) {
                var gateAt = 2 * row * hidden + i;
                var gate = get(gateUp, gateAt);
                var up = get(gateUp, gateAt + hidden);
                var gradient = get(dy, row * hidden + i);
                var s = 1 / (1 + (float) Math.exp(-gate));
                set(dGateUp, gateAt, gradient * up * s * (1 + gate * (1 - s)));
                set(dGateUp, gateAt + hidden, gradient * gate * s);
            }
        }
    }
}
