package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.airelab.torch.Aten;
import org.airelab.torch.ScalarType;

/**
 * The token ids whose rows of a table, or whose logits, a rank has. All is computed on the ids' device, with constants
 * that lie there.
 */
public final class IdRange {
    private final NDArray first;
    private final NDArray least;
    private final NDArray most;

    /** {@code manager} owns the constants; its device is the ids'. */
    public IdRange(NDManager manager, Cut.Range range) {
        first = manager.create(range.from());
        least = manager.create(0L);
        most = manager.create(range.size() - 1);
    }

    /** int64 ids of any shape, counted from the range's first; those outside become the nearest within. */
    public NDArray index(NDArray ids) {
        return Aten.clamp(ids.getManager(), ids.sub(first), least, most);
    }

    /**
     * 1 for each id that is in the range, else 0.
     *
     * @param index of the ids
     */
    public NDArray within(NDArray ids, NDArray index, ScalarType type) {
        return Aten.to(ids.getManager(), index.add(first).eq(ids), type);
    }
}
