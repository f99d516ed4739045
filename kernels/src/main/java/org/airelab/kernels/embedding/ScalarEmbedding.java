package org.airelab.kernels.embedding;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** {@link Embedding} in plain float32 loops on one thread. */
final class ScalarEmbedding implements Embedding {
    @Override
    public String name() {
        return "scalar";
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
        for (var i = 0; i < count; i++) {
            var start = Embedding.id(ids, i) * width;
            for (var j = 0; j < width; j++) {
                var sum = dWeight.getAtIndex(JAVA_FLOAT_UNALIGNED, start + j)
                        + dOut.getAtIndex(JAVA_FLOAT_UNALIGNED, (long) i * width + j);
                dWeight.setAtIndex(JAVA_FLOAT_UNALIGNED, start + j, sum);
            }
        }
    }
}
