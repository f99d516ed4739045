package org.airelab.distributed.contextparallel;

import ai.djl.ndarray.NDArray;
import java.util.Collections;
import java.util.List;
import org.airelab.torch.Aten;

/**
 * Which of a rank's two chunks of queries see which of another rank's two chunks of keys: two pairs of chunks, whose
 * queries see all of the keys. Arrays have the chunks, or the pairs, in their second dimension.
 */
enum ChunkPairs {
    /** Keys of a rank before: both chunks see its first one, and none its last, which is behind them. */
    EARLIER(ChunkPairs.BOTH, 0),
    /** Keys of a rank behind: the last chunk sees both of them, and the first none. */
    LATER(1, ChunkPairs.BOTH);

    private static final int BOTH = -1;

    private final Side queries;
    private final Side keys;

    ChunkPairs(int queries, int keys) {
        this.queries = new Side(queries);
        this.keys = new Side(keys);
    }

    /** Of a rank, with the keys of the {@code distance}-th rank before it around the ring. */
    static ChunkPairs of(int rank, int distance) {
        return distance <= rank ? EARLIER : LATER;
    }

    /** Which chunks of the rank's own are in the pairs. */
    Side queries() {
        return queries;
    }

    /** Which chunks of the other rank's are. */
    Side keys() {
        return keys;
    }

    /**
     * One side of the pairs.
     *
     * @param chunk the one that is in both pairs; {@link #BOTH} when each is in one
     */
    record Side(int chunk) {
        /** Views of chunks, to be taken together with {@link #pairs}. */
        List<NDArray> chunks(NDArray chunks) {
            return chunk == BOTH ? List.of(chunks) : Collections.nCopies(2, one(chunks, chunk));
        }

        /** Views of the pairs that these chunks are in. */
        List<NDArray> pairs(NDArray pairs) {
            return chunk == BOTH ? List.of(pairs) : List.of(one(pairs, 0), one(pairs, 1));
        }

        private static NDArray one(NDArray array, int i) {
            return Aten.narrow(array.getManager(), array, 1, i, 1);
        }
    }
}
