package org.airelab.kernels.rotary;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** {@link Rotary} in plain float32 loops on one thread. */
final class ScalarRotary implements Rotary {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void rotate(RotaryTable table, MemorySegment source, MemorySegment target, int rows, int time,
            int rotatedHeads, int heads, boolean inverse) {
        Rotary.check(table, source, target, rows, time, rotatedHeads, heads, DType.FP32);
        for (var row = 0; row < rows; row++) {
            for (var head = 0; head < heads; head++) {
                var start = ((long) row * heads + head) * table.headSize();
                if (head < rotatedHeads) {
                    rotateHead(table, source, target, start, row % time, inverse);
                } else {
                    MemorySegment.copy(source, 4 * start, target, 4 * start, 4L * table.headSize());
                }
            }
        }
    }

    private static void rotateHead(RotaryTable table, MemorySegment source, MemorySegment target, long start,
            int position, boolean inverse) {
        var distance = table.distance();
        for (var pair = 0; pair < table.headSize() / 2; pair++) {
            var first = distance == 1 ? 2 * pair : pair;
            var entry = (long) position * table.headSize() + first;
            var cosine = get(table.cosines(), entry);
            var sine = get(table.sines(), entry + distance) * (inverse ? -1 : 1);
            var x = get(source, start + first);
            var y = get(source, start + first + distance);
            set(target, start + first, x * cosine - y * sine);
            set(target, start + first + distance, y * cosine + x * sine);
        }
    }
}
