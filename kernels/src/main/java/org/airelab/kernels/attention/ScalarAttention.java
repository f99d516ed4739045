package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;

/**
 * {@link Attention} in plain loops on one thread, a row of scores at a time: elements are of float32, sums of float64.
 */
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
        var shift = max == Float.NEGATIVE_INFINITY ? 0 : max; // no score counts: a sum of 0, not NaN
        var sum = 0.0;
        for (var j = 0; j < shape.visible(i); j++) {
            row[j] = (float) Math.exp(row[j] - shift);
            sum += row[j];
        }
        set(lse, shape.lse(b, i, h), (float) (Math.log(sum) + max));
        for (var d = 0; d < shape.headSize(); d++) {
            var weighted = 0.0;
            for (var j = 0; j < shape.visible(i); j++) {
                weighted += (double) row[j] * get(qkv, shape.value(b, j, h / shape.group()) + d);
            }
            set(out, shape.out(b, i, h) + d, (float) (weighted / sum));
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
        for (var b = 0; b < shape.batch(); b++) {
            var gradient = new double[Math.multiplyExact(shape.time(), shape.packedWidth())];
            for (var h = 0; h < shape.heads(); h++) {
                for (var i = 0; i < shape.time(); i++) {
                    backward(shape, dOut, qkv, out, lse, gradient, b, h, i);
                }
            }
            for (var i = 0; i < gradient.length; i++) {
                set(dQkv, shape.query(b, 0, 0) + i, (float) gradient[i]);
            }
        }
    }

    private static void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, double[] gradient, int b, int h, int i) {
        var size = shape.headSize();
        var kvHead = h / shape.group();
        var row = shape.out(b, i, h);
        var query = shape.query(b, i, h);
        var first = shape.query(b, 0, 0);
        var delta = dot(dOut, row, out, row, size);
        for (var j = 0; j < shape.visible(i); j++) {
            var key = shape.key(b, j, kvHead);
            var value = shape.value(b, j, kvHead);
            var p = (float) Math.exp(score(shape, qkv, b, h, i, j) - get(lse, shape.lse(b, i, h)));
            var dScore = p * (dot(dOut, row, qkv, value, size) - delta) * (float) shape.scale();
            for (var d = 0; d < size; d++) {
                gradient[(int) (query - first) + d] += dScore * get(qkv, key + d);
                gradient[(int) (key - first) + d] += dScore * get(qkv, query + d);
                gradient[(int) (value - first) + d] += p * get(dOut, row + d);
            }
        }
    }

    private static float dot(MemorySegment a, long from, MemorySegment b, long other, int size) {
        var sum = 0.0;
        for (var d = 0; d < size; d++) {
            sum += (double) get(a, from + d) * get(b, other + d);
        }
        return (float) sum;
    }
}
