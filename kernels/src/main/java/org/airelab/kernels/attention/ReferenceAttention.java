package org.airelab.kernels.attention;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** {@link Attention} in float64, one query after the other, as the formula reads. */
final class ReferenceAttention implements Attention {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        Attention.check(shape, qkv, out, lse);
        for (var b = 0; b < shape.batch(); b++) {
            for (var h = 0; h < shape.heads(); h++) {
                for (var i = 0; i < shape.time(); i++) {
                    forward(shape, qkv, out, lse, b, h, i);
                }
            }
        }
    }

    private static void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse,
            int b, int h, int i) {
        var scores = scores(shape, qkv, b, h, i);
        var logSum = logSum(scores);
        set(lse, shape.lse(b, i, h), logSum);
        for (var d = 0; d < shape.headSize(); d++) {
            var sum = 0.0;
            for (var j = 0; j < scores.length; j++) {
                sum += Math.exp(scores[j] - logSum) * get(qkv, shape.value(b, j, h / shape.group()) + d);
            }
            set(out, shape.out(b, i, h) + d, sum);
        }
    }

    private static double[] scores(AttentionShape shape, MemorySegment qkv, int b, int h, int i) {
        var scores = new double[shape.visible(i)];
        for (var j = 0; j < scores.length; j++) {
            var key = shape.key(b, j, h / shape.group());
            scores[j] = shape.scale() * dot(qkv, shape.query(b, i, h), qkv, key, shape.headSize());
        }
        return scores;
    }

    private static double logSum(double[] scores) {
        var max = Double.NEGATIVE_INFINITY;
        for (var score : scores) {
            max = Math.max(max, score);
        }
        var shift = max == Double.NEGATIVE_INFINITY ? 0 : max; // no score counts: a sum of 0, not NaN
        var sum = 0.0;
        for (var score : scores) {
            sum += Math.exp(score - shift);
        }
        return Math.log(sum) + max;
    }

    @Override
    public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        Attention.check(shape, dOut, qkv, out, lse, dQkv);
        for (var b = 0; b < shape.batch(); b++) {
            var gradient = new double[Math.multiplyExact(shape.time(), shape.packedWidth())];
            for (var h = 0; h < shape.heads(); h++) {
                for (var i = 0; i < shape.time(); i++) {
                    backward(shape, dOut, qkv, gradient, b, h, i);
                }
            }
            for (var i = 0; i < gradient.length; i++) {
                set(dQkv, shape.query(b, 0, 0) + i, gradient[i]);
            }
        }
    }

    private static void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, double[] gradient,
            int b, int h, int i) {
        var size = shape.headSize();
        var kvHead = h / shape.group();
        var first = shape.query(b, 0, 0);
        var probabilities = scores(shape, qkv, b, h, i);
        var logSum = logSum(probabilities);
        var dProbabilities = new double[probabilities.length];
        var delta = 0.0;
        for (var j = 0; j < probabilities.length; j++) {
            probabilities[j] = Math.exp(probabilities[j] - logSum);
            dProbabilities[j] = dot(dOut, shape.out(b, i, h), qkv, shape.value(b, j, kvHead), size);
            delta += probabilities[j] * dProbabilities[j];
        }
        for (var j = 0; j < probabilities.length; j++) {
            var dScore = probabilities[j] * (dProbabilities[j] - delta) * shape.scale();
            for (var d = 0; d < size; d++) {
                var query = shape.query(b, i, h) + d;
                var key = shape.key(b, j, kvHead) + d;
                gradient[(int) (query - first)] += dScore * get(qkv, key);
                gradient[(int) (key - first)] += dScore * get(qkv, query);
                gradient[(int) (shape.value(b, j, kvHead) + d - first)] +=
                        probabilities[j] * get(dOut, shape.out(b, i, h) + d);
            }
        }
    }

    private static double dot(MemorySegment a, long from, MemorySegment b, long other, int size) {
        var sum = 0.0;
        for (var d = 0; d < size; d++) {
            sum += get(a, from + d) * get(b, other + d);
        }
        return sum;
    }

    private static double get(MemorySegment segment, long index) {
        return segment.getAtIndex(JAVA_FLOAT_UNALIGNED, index);
    }

    private static void set(MemorySegment segment, long index, double value) {
        segment.setAtIndex(JAVA_FLOAT_UNALIGNED, index, (float) value);
    }
}
