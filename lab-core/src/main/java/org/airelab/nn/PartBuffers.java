package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.airelab.nn.Shards.Piece;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * Memory for the parts of a model of which a rank keeps a share each: a part is whole in it while it is computed with.
 * Layers take turns in two buffers, so that one is filled or emptied while the other is worked with; embedding and
 * head, between which all layers lie, in one more, except that a head which computes with the embedding's matrix has
 * its own. A part always comes to the same memory: what autograd has noted in the forward pass is there again in the
 * backward pass.
 */
final class PartBuffers {
    private static final int EMBEDDING = 0;
    private static final int TIED_HEAD = 3;

    private final List<Piece> parts;
    private final boolean tied;
    private final List<NDArray> buffers = new ArrayList<>();

    /**
     * Allocates them.
     *
     * @param parts  the embedding, the layers and the head
     * @param tied   whether the head computes with the embedding's matrix
     * @param memory where they are to lie
     */
    PartBuffers(NDManager manager, ScalarType type, List<Piece> parts, boolean tied, ExchangeMemory memory) {
        this.parts = parts;
        this.tied = tied;
        long[] sizes = new long[TIED_HEAD + 1];
        for (int part = 0; part < parts.size(); part++) {
            sizes[buffer(part)] = Math.max(sizes[buffer(part)], parts.get(part).size());
        }
        for (long size : sizes) {
            buffers.add(memory.zeros(manager, type, size));
        }
    }

    /** The number of the buffer in which a part has its turns. */
    int buffer(int part) {
        if (part == 0) {
            return EMBEDDING;
        }
        if (part == parts.size() - 1) {
            return tied ? TIED_HEAD : EMBEDDING;
        }
        return 1 + part % 2;
    }

    /** A window on a part's memory, from an element of the part. */
    Tensor view(int part, long from, long... shape) {
        return NativeArrays.view(buffers.get(buffer(part)), from, shape);
    }

    /** Elements of all buffers. */
    long size() {
        return buffers.stream().mapToLong(NDArray::size).sum();
    }
}
