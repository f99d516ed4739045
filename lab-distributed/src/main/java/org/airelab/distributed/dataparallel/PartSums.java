package org.airelab.distributed.dataparallel;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards.Owned;
import org.airelab.nn.Shards.Piece;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.train.PartMemory;

/**
 * ZeRO's second stage (Rajbhandari et al. 2020, section 5.2): a rank keeps the gradients of what it updates alone. A
 * part of the model has whole gradients only while the backward pass is in it. When it has left, they are
 * reduce-scattered, while the pass goes on in the parts below, and this rank's share is added to what it has of the
 * micro-batches before: so a step of several moves more bytes than the first stage, which sums once.
 */
class PartSums extends GradientSums implements PartMemory {
    /** Parts that the backward pass has begun to add to, and not left. */
    private final Set<Integer> open = new HashSet<>();
    /** Sums on their way, by the number of the memory that they are formed in. */
    private final Map<Integer, Sum> pending = new HashMap<>();

    private record Sum(int part, Work work) {
    }

    PartSums(ProcessGroup group, FlatParameters parameters) {
        super(group, parameters);
    }

    @Override
    public void read(int part) {
        // Every rank has all weights.
    }

    @Override
    public void soon(int part) {
        // So it has.
    }

    @Override
    public final void add(int part) {
        if (!isEmpty(part) && open.add(part)) {
            keep(parameters().turns(part));
            try (NDManager scope = scope(); Autograd.Mode off = Autograd.notRecording()) {
                Aten.zero(parameters().partGradients(scope, part));
            }
        }
    }

    @Override
    public final void added(int part) {
        if (open.remove(part)) {
            try (NDManager scope = scope()) {
                MemorySegment whole = NativeArrays.kernelMemory(parameters().partGradients(scope, part));
                Work work = sumShares(whole, slice(whole, share(part), piece(part).from()));
                pending.put(parameters().turns(part), new Sum(part, work));
            }
        }
    }

    /** Adds the sum that is formed in some memory, if one is, to what this rank has. */
    private void keep(int turns) {
        Sum sum = pending.remove(turns);
        if (sum == null) {
            return;
        }
        await(sum.work);
        try (NDManager scope = scope(); Autograd.Mode off = Autograd.notRecording()) {
            Piece share = share(sum.part);
            NDArray summed = NativeArrays.view(parameters().partGradients(scope, sum.part),
                    share.from() - piece(sum.part).from(), share.size()).attach(scope);
            parameters().gradients(scope, owned(sum.part)).addi(summed);
        }
    }

    @Override
    public final void finalFrom(long element) {
        // Each pass has told of each part, the last as all.
    }

    @Override
    public final void complete() {
        List.copyOf(pending.keySet()).forEach(this::keep);
    }

    final NDManager scope() {
        return parameters().weights().getManager().newSubManager();
    }

    final boolean isEmpty(int part) {
        return piece(part).size() == 0;
    }

    private Piece piece(int part) {
        return parameters().parts().get(part);
    }

    private Piece share(int part) {
        return parameters().shards().share(piece(part), rank());
    }

    /** This rank's share of a part. */
    final Owned owned(int part) {
        return parameters().owned(piece(part).from(), piece(part).to()).getFirst();
    }
}
