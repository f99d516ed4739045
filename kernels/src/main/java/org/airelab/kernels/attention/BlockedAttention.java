package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * {@link Attention} in plain loops on one thread, a tile of 32 queries against a tile of 32 keys at a time (Dao,
 * "FlashAttention-2", 2023, algorithms 1 and 2). Tiles are of float64.
 *
 * <p>Adds to the scalar rung: rows of queries, keys and values that are copied into a {@link DoubleTile} and there
 * serve 32 others; no row of scores as long as the sequence, as maxima and sums are kept from tile to tile; and
 * innermost loops whose multiply-adds do not wait for each other, which the compiler makes vectors of. Measured at 128
 * positions and 8 heads of 64, causal, on one core of a shared Intel Xeon server (AVX-512): 6.4 times the scalar rung's
 * speed forward, 2.3 times backward.
 */
final class BlockedAttention implements Attention {
    private static final int TILE = 32;

    @Override
    public String name() {
        return "blocked";
    }

    @Override
    public void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        Attention.check(shape, qkv, out, lse);
        var pass = new Forward(shape, qkv, out, lse);
        for (var b = 0; b < shape.batch(); b++) {
            for (var h = 0; h < shape.heads(); h++) {
                for (var first = 0; first < shape.time(); first += TILE) {
                    pass.attend(b, h, first);
                }
            }
        }
    }

    @Override
    public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        Attention.check(shape, dOut, qkv, out, lse, dQkv);
        dQkv.fill((byte) 0);
        var pass = new Backward(shape, dOut, qkv, out, lse, dQkv);
        for (var b = 0; b < shape.batch(); b++) {
            for (var kvHead = 0; kvHead < shape.kvHeads(); kvHead++) {
                for (var first = 0; first < shape.time(); first += TILE) {
                    pass.differentiate(b, kvHead, first);
                }
            }
        }
    }

    private static int count(AttentionShape shape, int first) {
        return Math.min(TILE, shape.time() - first);
    }

    /** How many of {@code keys} keys from {@code first} on a position sees. */
    private static int visible(AttentionShape shape, int position, int first, int keys) {
        return Math.min(keys, shape.visible(position) - first);
    }

    private static final class Forward {
        private final AttentionShape shape;
        private final MemorySegment qkv;
        private final MemorySegment out;
        private final MemorySegment lse;
        private final double scale;
        private final DoubleTile queries;
        private final DoubleTile keys;
        private final DoubleTile values;
        private final DoubleTile scores = new DoubleTile(TILE, TILE);
        private final DoubleTile weighted;
        private final double[] maxima = new double[TILE];
        private final double[] sums = new double[TILE];

        Forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
            this.shape = shape;
            this.qkv = qkv;
            this.out = out;
            this.lse = lse;
            scale = shape.scale();
            queries = new DoubleTile(TILE, shape.headSize());
            keys = new DoubleTile(shape.headSize(), TILE);
            values = new DoubleTile(TILE, shape.headSize());
            weighted = new DoubleTile(TILE, shape.headSize());
        }

        /** The queries of a tile against all keys they see. */
        void attend(int b, int h, int first) {
            var count = count(shape, first);
            var kvHead = h / shape.group();
            queries.read(qkv, shape.query(b, first, h), shape.packedWidth(), count);
            weighted.clear(count);
            Arrays.fill(maxima, Double.NEGATIVE_INFINITY);
            Arrays.fill(sums, 0);
            for (var key = 0; key < shape.visible(first + count - 1); key += TILE) {
                var rows = count(shape, key);
                keys.readTransposed(qkv, shape.key(b, key, kvHead), shape.packedWidth(), rows);
                values.read(qkv, shape.value(b, key, kvHead), shape.packedWidth(), rows);
                scores.clear(count);
                scores.addProduct(count, shape.headSize(), queries, keys);
                for (var i = 0; i < count; i++) {
                    exponentiate(i, visible(shape, first + i, key, rows));
                }
                weighted.addProduct(count, rows, scores, values);
            }
            finish(b, h, first, count);
        }

        /** Makes e^(score - maximum) of a row's scores, and brings its sums under the old maximum to the new one. */
        private void exponentiate(int i, int visible) {
            var row = scores.row(i);
            var max = maxima[i];
            for (var j = 0; j < visible; j++) {
                row[j] *= scale;
                max = Math.max(max, row[j]);
            }
            var shift = max == Double.NEGATIVE_INFINITY ? 0 : max; // no score counts yet: not NaN, but 0
            var shrink = Math.exp(maxima[i] - shift);
            weighted.scale(i, shrink);
            var sum = 0.0;
            for (var j = 0; j < visible; j++) {
                row[j] = Math.exp(row[j] - shift);
                sum += row[j];
            }
            Arrays.fill(row, visible, TILE, 0);
            sums[i] = sums[i] * shrink + sum;
            maxima[i] = max;
        }

        private void finish(int b, int h, int first, int count) {
            for (var i = 0; i < count; i++) {
                weighted.scale(i, 1 / sums[i]);
                set(lse, shape.lse(b, first + i, h), (float) (Math.log(sums[i]) + maxima[i]));
            }
            weighted.write(out, shape.out(b, first, h), shape.outWidth(), count);
        }
    }

    private static final class Backward {
        private final AttentionShape shape;
        private final MemorySegment dOut;
        private final MemorySegment qkv;
        private final MemorySegment out;
        private final MemorySegment lse;
        private final MemorySegment dQkv;
        private final double scale;
        private final DoubleTile keyRows;
        private final DoubleTile keys;
        private final DoubleTile values;
        private final DoubleTile dKeys;
        private final DoubleTile dValues;
        private final DoubleTile queries;
        private final DoubleTile dQueries;
        private final DoubleTile results;
        private final DoubleTile dResults;
        private final DoubleTile scores = new DoubleTile(TILE, TILE);
        private final DoubleTile dScores = new DoubleTile(TILE, TILE);

        Backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out, MemorySegment lse,
                MemorySegment dQkv) {
            this.shape = shape;
            this.dOut = dOut;
            this.qkv = qkv;
            this.out = out;
            this.lse = lse;
            this.dQkv = dQkv;
            var size = shape.headSize();
            scale = shape.scale();
            keyRows = new DoubleTile(TILE, size);
            keys = new DoubleTile(size, TILE);
            values = new DoubleTile(size, TILE);
            dKeys = new DoubleTile(TILE, size);
            dValues = new DoubleTile(TILE, size);
            queries = new DoubleTile(TILE, size);
            dQueries = new DoubleTile(TILE, size);
            results = new DoubleTile(TILE, size);
            dResults = new DoubleTile(TILE, size);
        }

        /** The keys of a tile, and their values, against all queries that see them. */
        void differentiate(int b, int kvHead, int first) {
            var count = count(shape, first);
            var key = shape.key(b, first, kvHead);
            var value = shape.value(b, first, kvHead);
            keyRows.read(qkv, key, shape.packedWidth(), count);
            keys.readTransposed(qkv, key, shape.packedWidth(), count);
            values.readTransposed(qkv, value, shape.packedWidth(), count);
            dKeys.clear(count);
            dValues.clear(count);
            for (var h = kvHead * shape.group(); h < (kvHead + 1) * shape.group(); h++) {
                for (var query = shape.causal() ? first : 0; query < shape.time(); query += TILE) {
                    add(b, h, query, first, count);
                }
            }
            dKeys.write(dQkv, key, shape.packedWidth(), count);
            dValues.write(dQkv, value, shape.packedWidth(), count);
        }

        /** Adds what the queries of a tile and the keys of another have to do with each other. */
        private void add(int b, int h, int first, int key, int keyCount) {
            var count = count(shape, first);
            var size = shape.headSize();
            var query = shape.query(b, first, h);
            queries.read(qkv, query, shape.packedWidth(), count);
            dQueries.read(dQkv, query, shape.packedWidth(), count);
            results.read(out, shape.out(b, first, h), shape.outWidth(), count);
            dResults.read(dOut, shape.out(b, first, h), shape.outWidth(), count);
            scores.clear(count);
            scores.addProduct(count, size, queries, keys);
            dScores.clear(count);
            dScores.addProduct(count, size, dResults, values);
            for (var i = 0; i < count; i++) {
                differentiate(i, get(lse, shape.lse(b, first + i, h)), visible(shape, first + i, key, keyCount));
            }
            dValues.addTransposedProduct(keyCount, count, scores, dResults);
            dKeys.addTransposedProduct(keyCount, count, dScores, queries);
            dQueries.addProduct(count, keyCount, dScores, keyRows);
            dQueries.write(dQkv, query, shape.packedWidth(), count);
        }

        /** Makes probabilities of a row's scores, and gradients of the scores of those of the probabilities. */
        private void differentiate(int i, double logSum, int visible) {
            var row = scores.row(i);
            var dRow = dScores.row(i);
            var delta = dResults.dot(i, results);
            for (var j = 0; j < visible; j++) {
                row[j] = Math.exp(row[j] * scale - logSum);
                dRow[j] = row[j] * (dRow[j] - delta) * scale;
            }
            Arrays.fill(row, visible, TILE, 0);
            Arrays.fill(dRow, visible, TILE, 0);
        }
    }
}
