package org.airelab.distributed.dataparallel;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.util.List;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.airelab.train.Shards;
import org.airelab.train.Shards.Piece;

/**
 * A buffer of the optimizer's state that is divided among ranks, as a whole on rank 0: for the time of its use, one
 * buffer at a time, beside the parts of one other rank.
 */
public final class WholeState {
    private final ProcessGroup group;
    private final Shards shards;
    private final long size;

    /** {@code size} elements of the whole. */
    WholeState(ProcessGroup group, Shards shards, long size) {
        this.group = group;
        this.shards = shards;
        this.size = size;
    }

    /** Uses a whole buffer. */
    public interface Use {
        /** Works with it; it is gone, or divided again, after that. */
        void with(NDArray whole) throws IOException;
    }

    /** Rank 0 gets all parts and uses the whole; the others give theirs, and {@code use} is not called. */
    void gather(NDArray mine, Use use) throws IOException {
        if (group.rank() > 0) {
            group.send(NativeArrays.kernelMemory(mine), ScalarType.FLOAT32, 0).await();
            return;
        }
        try (NDManager scope = mine.getManager().newSubManager()) {
            NDArray whole = array(scope, size);
            NDArray others = array(scope, mine.size());
            copy(whole, mine, 0, true);
            for (int rank = 1; rank < group.size(); rank++) {
                group.receive(NativeArrays.kernelMemory(others), ScalarType.FLOAT32, rank).await();
                copy(whole, others, rank, true);
            }
            use.with(whole);
        }
    }

    /** Rank 0 fills the whole and gives the others their parts; on those {@code fill} is not called. */
    void scatter(NDArray mine, Use fill) throws IOException {
        if (group.rank() > 0) {
            group.receive(NativeArrays.kernelMemory(mine), ScalarType.FLOAT32, 0).await();
            return;
        }
        try (NDManager scope = mine.getManager().newSubManager()) {
            NDArray whole = array(scope, size);
            fill.with(whole);
            NDArray others = array(scope, mine.size());
            copy(whole, mine, 0, false);
            for (int rank = 1; rank < group.size(); rank++) {
                copy(whole, others, rank, false);
                group.send(NativeArrays.kernelMemory(others), ScalarType.FLOAT32, rank).await();
            }
        }
    }

    private static NDArray array(NDManager scope, long elements) {
        Device device = scope.getDevice();
        NDArray array = Tensor.empty(ScalarType.FLOAT32, device, elements).attach(scope);
        Aten.zero(array);
        return array;
    }

    /** Copies a rank's parts, one behind the other, to or from their places in the whole. */
    private void copy(NDArray whole, NDArray parts, int rank, boolean toWhole) {
        List<Piece> pieces = shards.parts(size, rank);
        long from = 0;
        for (Piece piece : pieces) {
            try (NDManager scope = whole.getManager().newSubManager()) {
                NDArray place = NativeArrays.view(whole, piece.from(), piece.size()).attach(scope);
                NDArray part = NativeArrays.view(parts, from, piece.size()).attach(scope);
                NativeArrays.copy(toWhole ? part : place, toWhole ? place : part);
            }
            from += piece.size();
        }
    }
}
