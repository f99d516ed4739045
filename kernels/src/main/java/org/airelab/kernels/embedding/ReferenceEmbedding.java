package org.airelab.kernels.embedding;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** {@link Embedding} with sums in float64. */
final class ReferenceEmbedding implements Embedding {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void gather(MemorySegment weight, MemorySegment ids, MemorySegment out, int count, int vocabulary,
            int width) {
        Embedding.check(weight, ids, out, count, vocabulary, width);
        for (var i = 0; i < count; i++) {
            MemorySegment.copy(weight, 4 * Embedding.id(ids, i) * width, out, 4L * i * width, 4L * width);
        }
    }

    @Override
    public void scatterAdd(MemorySegment dOut, MemorySegment ids, MemorySegment dWeight, int count, int vocabulary,
            int width) {
        Embedding.check(dWeight, ids, dOut, count, vocabulary, width);
        var sums = new double[vocabulary][];
        for (var i = 0; i < count; i++) {
            var row = (int) Embedding.id(ids, i);
            if (sums[row] == null) {
                sums[row] = new double[width];
            }
            for (var j = 0; j < width; j++) {
                sums[row][j] += dOut.getAtIndex(JAVA_FLOAT_UNALIGNED, (long) i * width + j);
            }
        }
        for (var row = 0; row < vocabulary; row++) {
            for (var j = 0; j < width && sums[row] != null; j++) {
                var at = (long) row * width + j;
                var sum = dWeight.getAtIndex(JAVA_FLOAT_UNALIGNED, at) + sums[row][j];
                dWeight.setAtIndex(JAVA_FLOAT_UNALIGNED, at, (float) sum);
            }
        }
    }
}
