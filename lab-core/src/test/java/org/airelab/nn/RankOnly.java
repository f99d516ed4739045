package org.airelab.nn;

import ai.djl.ndarray.NDArray;

/** One of several ranks, for what does not need the others: nothing is exchanged. */
public record RankOnly(int rank, int ranks, boolean dividesTime) implements TensorDivision {
    @Override
    public NDArray enter(NDArray x) {
        return x;
    }

    @Override
    public NDArray leave(NDArray x) {
        return x;
    }

    @Override
    public NDArray columns(NDArray x, NDArray weight) {
        return NONE.columns(x, weight);
    }

    @Override
    public NDArray rows(NDArray x, NDArray weight) {
        return NONE.rows(x, weight);
    }

    @Override
    public NDArray all(NDArray mine) {
        throw new AssertionError("there is nobody");
    }
}
