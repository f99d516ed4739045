package org.airelab.kernels.activation;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Exponential;
import org.airelab.kernels.cpu.VectorRung;

/**
 * {@link SwiGlu} eight lanes at a time.
 *
 * <p>Measured on 2 cores of a shared Intel Xeon server (AVX-512), 64 x 2048 of float32: {@code vector} 14 times the
 * scalar rung's speed forward and 10 times backward, {@code parallel} 1.6 and 2.0 times that.
 */
final class VectorSwiGlu extends VectorRung implements SwiGlu {
    private static final int ELEMENTS = 8192;
    private static final FloatVector ONE = broadcast(1f);

    VectorSwiGlu(Cores cores) {
        super(cores);
    }

    @Override
    public void forward(MemorySegment gateUp, MemorySegment y, int rows, int hidden) {
        SwiGlu.check(gateUp, y, rows, hidden, DType.FP32);
        cores().forPieces(rows, Math.max(1, ELEMENTS / hidden), (_, from, to) -> {
            for (var row = from; row < to; row++) {
                forwardRow(gateUp.address() + 8L * row * hidden, y.address() + 4L * row * hidden, hidden);
            }
        });
    }

    private static void forwardRow(long gate, long y, int hidden) {
        var up = gate + 4L * hidden;
        var i = 0;
        for (; i + COUNT <= hidden; i += COUNT) {
            store(silu(load(gate + 4L * i)).mul(load(up + 4L * i)), y + 4L * i);
        }
        for (; i < hidden; i++) {
            set(y + 4L * i, get(gate + 4L * i) / (Exponential.exp(-get(gate + 4L * i)) + 1) * get(up + 4L * i));
        }
    }

    private static FloatVector silu(FloatVector x) {
        return x.div(Exponential.exp(x.neg()).add(ONE));
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment gateUp, MemorySegment dGateUp, int rows, int hidden) {
        SwiGlu.check(dy, gateUp, dGateUp, rows, hidden, DType.FP32);
        cores().forPieces(rows, Math.max(1, ELEMENTS / hidden), (_, from, to) -> {
            for (var row = from; row < to; row++) {
                backwardRow(dy.address() + 4L * row * hidden, gateUp.address() + 8L * row * hidden,
                        dGateUp.address() + 8L * row * hidden, hidden);
            }
        });
    }

    private static void backwardRow(long dy, long gate, long dGate, int hidden) {
        var up = gate + 4L * hidden;
        var dUp = dGate + 4L * hidden;
        var i = 0;
        for (; i + COUNT <= hidden; i += COUNT) {
            var g = load(gate + 4L * i);
            var s = Exponential.sigmoid(g);
            var gradient = load(dy + 4L * i);
            var toGate = gradient.mul(load(up + 4L * i)).mul(slope(g, s));
            store(gradient.mul(g).mul(s), dUp + 4L * i);
            store(toGate, dGate + 4L * i);
        }
        for (; i < hidden; i++) {
            var g = get(gate + 4L * i);
            var s = Exponential.sigmoid(g);
            var gradient = get(dy + 4L * i);
            var toGate = gradient * get(up + 4L * i) * Math.fma(g * (1 - s), s, s);
            set(dUp + 4L * i, gradient * g * s);
            set(dGate + 4L * i, toGate);
        }
    }

    /** silu' = s (1 + g (1 - s)). */
    private static FloatVector slope(FloatVector g, FloatVector s) {
        return g.mul(ONE.sub(s)).fma(s, s);
    }
}
