package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;

/** {@link Attention} in plain float32 loops on one thread, a row of scores at a time. */
final class ScalarAttention implements Attention {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        Attention.check(shape, qkv, out, lse);
        var row = new float[shape.time()];
        for (var b = 0; b < shape.batch(); b++) {
            for (var h = 0; h < shape.heads(); h++) {
                for (var i = 0; i < shape.time(); i++) {
                    forward(shape, qkv, out, lse, b, h, i, row);
                }
            }
        }
    }

    private static void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse,
            int b, int h, int i, float[] row) {
        var max = Float.NEGATIVE_INFINITY;
        for (var j = 0; j < shape.visible(i); j++) {
            row[j] = score(shape, qkv, b, h, i, j);
            max = Math.max(max, row[j]);
        }
        var sum = 0f;
        for (var j = 0; j < shape.visible(i); j++) {
            row[j] = (float) Math.exp(row[j] - max);
            sum += row[j];
        }
        set(lse, shape.lse(b, i, h), (float) Math.log(sum) + max);
        for (var d = 0; d < shape.headSize(); d++) {
            var weighted = 0f;
            for (var j = 0; j < shape.visible(i); j++) {
                weighted += row[j] * get(qkv, shape.value(b, j, h / shape.group()) + d);
            }
            set(out, shape.out(b, i, h) + d, weighted / sum);
        }
    }

    private static float score(AttentionShape shape, MemorySegment qkv, int b, int h, int i, int j) {
        var key = shape.key(b, j, h / shape.group());
        return dot(qkv, shape.query(b, i, h), qkv, key, shape.headSize()) * (float) shape.scale();
    }

    @Override
    public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        Attention.check(shape, dOut, qkv, out, lse, dQkv);
        dQkv.fill((byte) 0);
        for (var b = 0; b < shape.batch(); b++) {
            for (var h = 0; h < shape.heads(); h++) {
                for (var i = 0; i < shape.time(); i++) {
                    backward(shape, dOut, qkv, out, lse, dQkv, b, h, i);
                }
            }
        }
    }

    private static void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv, int b, int h, int i) {
        var size = shape.headSize();
        var kvHead = h / shape.group();
        var row = shape.out(b, i, h);
        var query = shape.query(b, i, h);
        var delta = dot(dOut, row, out, row, size);
        for (var j = 0; j < shape.visible(i); j++) {
            var key = shape.key(b, j, kvHead);
            var value = shape.value(b, j, kvHead);
            var p = (float) Math.exp(score(shape, qkv, b, h, i, j) - get(lse, shape.lse(b, i, h)));
            var dScore = p * (dot(dOut, row, qkv, value, size) - delta) * (float) shape.scale();
            for (var d = 0; d < size; d++) {
                add(dQkv, query + d, dScore * get(qkv, key + d));
                add(dQkv, key + d, dScore * get(qkv, query + d));
                add(dQkv, value + d, p * get(dOut, row + d));
            }
        }
    }

    private static float dot(MemorySegment a, long from, MemorySegment b, long other, int size) {
        var sum = 0f;
        for (var d = 0; d < size; d++) {
            sum += get(a, from + d) * get(b, other + d);
        }
        return sum;
    }

    private static void add(MemorySegment segment, long index, float value) {
        set(segment, index, get(segment, index) + value);
    }
}
