package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.airelab.nn.Stage;

/** A forward pass through some parts of a model, with what its backward pass needs. */
public final class Pass implements AutoCloseable {
    final Stage stage;
    final long index;
    /** Whether the backward pass computes the layers again. */
    private final boolean again;
    private final Cut[] cuts;
    /** Both only of the stage with the head. */
    NDManager headScope;
    Targets targets;
    NDArray out;

    /** What a part leaves for its backward pass: what it was given and what it gave; the scope owns both. */
    record Cut(NDManager scope, NDArray leaf, NDArray out) {
    }

    /**
     * @param index number of the pass in the run
     * @param again whether its backward pass computes the layers again
     */
    Pass(Stage stage, long index, boolean again) {
        this.stage = stage;
        this.index = index;
        this.again = again;
        this.cuts = new Cut[stage.endOfLayers() - stage.from()];
    }

    Cut cut(int part) {
        return cuts[part - stage.from()];
    }

    Cut keep(int part, Cut cut) {
        cuts[part - stage.from()] = cut;
        return cut;
    }

    /** What the layers gave, [batch, time, dim]; it stays this pass's. */
    public NDArray out() {
        return out;
    }

    /** Nobody needs what the layers gave any more: it is freed, if the backward pass can do without. */
    public void freeOut() {
        boolean ofLayer = stage.endOfLayers() > stage.firstLayer();
        if (again && ofLayer && !stage.predicts()) {
            out.close();
        }
    }

    /** Frees what the backward pass has not freed. */
    @Override
    public void close() {
        if (headScope != null) {
            headScope.close();
        }
        for (Cut cut : cuts) {
            if (cut != null) {
                cut.scope.close();
            }
        }
    }
}
