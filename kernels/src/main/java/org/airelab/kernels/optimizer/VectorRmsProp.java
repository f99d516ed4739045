package org.airelab.kernels.optimizer;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.airelab.kernels.cpu.Lanes;

/** {@link RmsProp} eight lanes at a time on all cores. */
final class VectorRmsProp implements RmsProp {
    @Override
    public String name() {
        return "vector";
    }

    @Override
    public boolean available() {
        return Lanes.available();
    }

    @Override
    public void step(RmsPropSettings settings, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment squares, MemorySegment gradientMean, MemorySegment velocity) {
        RmsProp.check(settings, range, weights, gradient, squares, gradientMean, velocity);
        range.forPieces((from, count) -> {
            var at = 4 * from;
            var piece = new Piece(settings, range.gradientScale(), weights.address() + at, gradient.address() + at,
                    squares.address() + at, addressOrZero(gradientMean, at), addressOrZero(velocity, at));
            var i = 0;
            for (; i + COUNT <= count; i += COUNT) {
                piece.update(4L * i, COUNT);
            }
            if (i < count) {
                piece.update(4L * i, count - i);
            }
        });
    }

    private static long addressOrZero(MemorySegment segment, long at) {
        return segment == null ? 0 : segment.address() + at;
    }

    /** Addresses of one task's part of each array; 0 for a state that is not there. */
    private record Piece(float scale, float decay, float alpha, float fresh, float epsilon, float momentum,
            float learningRate, long weights, long gradient, long squares, long mean, long velocity) {
        Piece(RmsPropSettings s, float scale, long weights, long gradient, long squares, long mean, long velocity) {
            this(scale, (float) s.weightDecay(), (float) s.alpha(), (float) (1 - s.alpha()), (float) s.epsilon(),
                    (float) s.momentum(), (float) s.learningRate(), weights, gradient, squares, mean, velocity);
        }

        void update(long at, int lanes) {
            var w = take(weights + at, lanes);
            var g = w.fma(broadcast(decay), take(gradient + at, lanes).mul(scale));
            var s = g.mul(g).fma(broadcast(fresh), take(squares + at, lanes).mul(alpha));
            put(s, squares + at, lanes);
            var variance = s;
            if (mean != 0) {
                var a = g.fma(broadcast(fresh), take(mean + at, lanes).mul(alpha));
                put(a, mean + at, lanes);
                variance = a.neg().fma(a, s);
            }
            var direction = g.div(variance.sqrt().add(epsilon));
            if (velocity != 0) {
                direction = take(velocity + at, lanes).fma(broadcast(momentum), direction);
                put(direction, velocity + at, lanes);
            }
            put(direction.fma(broadcast(-learningRate), w), weights + at, lanes);
        }

        private static FloatVector take(long address, int lanes) {
            return lanes == COUNT ? load(address) : load(address, lanes);
        }

        private static void put(FloatVector vector, long address, int lanes) {
            if (lanes == COUNT) {
                store(vector, address);
            } else {
                store(vector, address, lanes);
            }
        }
    }
}
