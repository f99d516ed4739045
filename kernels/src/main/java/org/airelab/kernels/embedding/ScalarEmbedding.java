package org.airelab.kernels.embedding;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

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
                set(dWeight, start + j, get(dWeight, start + j) + get(dOut, (long) i * width + j));
            }
        }
    }
}
