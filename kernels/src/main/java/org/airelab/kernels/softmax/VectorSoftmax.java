package org.airelab.kernels.softmax;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.SoftmaxRow;
import org.airelab.kernels.cpu.VectorRung;

/**
 * {@link Softmax} eight lanes at a time. A row comes from memory once, for its maximum; the exponentials are written to
 * y and scaled there while it is still in the core's own cache.
 *
 * <p>Measured on 2 cores of a shared Intel Xeon server (AVX-512), 1024 x 1024 of float32: {@code vector} 22 times the
 * scalar rung's speed forward and 1.9 times backward, {@code parallel} 1.9 and 1.7 times that.
 */
final class VectorSoftmax extends VectorRung implements Softmax {
    /** Elements of a task: enough to outweigh its dispatch, few enough to balance. */
    private static final int ELEMENTS = 16384;

    VectorSoftmax(Cores cores) {
        super(cores);
    }

    @Override
    public void forward(MemorySegment x, MemorySegment y, int rows, int width) {
        Softmax.checkForward(x, y, rows, width, DType.FP32);
        cores().forPieces(rows, rowsEach(width), (_, from, to) -> {
            for (var row = from; row < to; row++) {
                var in = x.address() + 4L * row * width;
                var out = y.address() + 4L * row * width;
                var sum = SoftmaxRow.exponentials(in, SoftmaxRow.max(in, width), out, width);
                SoftmaxRow.scale(out, (float) (1 / sum), width);
            }
        });
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment y, MemorySegment dx, int rows, int width) {
        Softmax.checkBackward(dy, y, dx, rows, width, DType.FP32);
        cores().forPieces(rows, rowsEach(width), (_, from, to) -> {
            for (var row = from; row < to; row++) {
                var offset = 4L * row * width;
                var dot = dot(dy.address() + offset, y.address() + offset, width);
                gradient(dy.address() + offset, y.address() + offset, dot, dx.address() + offset, width);
            }
        });
    }

    private static int rowsEach(int width) {
        return Math.max(1, ELEMENTS / width);
    }

    private static float dot(long dy, long y, int count) {
        var sums = broadcast(0f);
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            sums = load(dy + 4L * i).fma(load(y + 4L * i), sums);
        }
        var sum = Lanes.sum(sums);
        for (; i < count; i++) {
            sum += get(dy + 4L * i) * get(y + 4L * i);
        }
        return sum;
    }

    private static void gradient(long dy, long y, float dot, long dx, int count) {
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            store(load(dy + 4L * i).sub(dot).mul(load(y + 4L * i)), dx + 4L * i);
        }
        for (; i < count; i++) {
            set(dx + 4L * i, get(y + 4L * i) * (get(dy + 4L * i) - dot));
        }
    }
}
