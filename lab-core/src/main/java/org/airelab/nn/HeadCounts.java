package org.airelab.nn;

/**
 * The attention heads of a layer that one rank has.
 *
 * @param queries   query heads
 * @param keyValues key heads, and as many value heads
 * @param size      elements of a head
 */
record HeadCounts(int queries, int keyValues, int size) {
    static HeadCounts of(ModelConfig config, TensorDivision division) {
        return new HeadCounts(config.heads() / division.ranks(), config.kvHeads() / division.ranks(),
                config.headSize());
    }

    /** Heads in a packed row: of queries, of keys, of values. */
    int packed() {
        return queries + 2 * keyValues;
    }

    /** Elements of a row of results. */
    int width() {
        return queries * size;
    }
}
