package org.airelab.distributed.dataparallel;

import ai.djl.ndarray.NDManager;
import java.util.HashMap;
import java.util.Map;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.nn.FlatParameters;
import org.airelab.torch.NativeArrays;

/**
 * ZeRO's third stage (Rajbhandari et al. 2020, section 5.3): a rank keeps the weights, too, of what it updates alone. A
 * part's weights are gathered before its forward and before its backward pass, while the part before it computes, into
 * memory that the next part but one takes over. What is there already, as the last layers are when the backward pass
 * begins, is not gathered again.
 *
 * <p>They are gathered in float32, the type they are kept in; layers that compute in a half type convert them as they
 * use them. Gathered in the half type they would be half the bytes, and matrices the same numbers, but norms and
 * embeddings, which are read in float32, would not. Without checkpointing such layers' converted weights stay with the
 * activations until the backward pass, on every rank those of the whole model.
 */
final class GatheredParts extends PartSums {
    /** The part whose weights are in a memory, or on their way there, by the memory's number. */
    private final Map<Integer, Integer> present = new HashMap<>();
    private final Map<Integer, Work> coming = new HashMap<>();

    GatheredParts(ProcessGroup group, FlatParameters parameters) {
        super(group, parameters);
    }

    @Override
    public void read(int part) {
        soon(part);
        arrive(part);
    }

    @Override
    public void soon(int part) {
        int turns = parameters().turns(part);
        if (isEmpty(part) || Integer.valueOf(part).equals(present.get(turns))) {
            return;
        }
        arrive(part);
        present.put(turns, part);
        try (NDManager scope = scope()) {
            coming.put(turns, gather(NativeArrays.kernelMemory(parameters().weights(scope, owned(part))),
                    NativeArrays.kernelMemory(parameters().partWeights(scope, part))));
        }
    }

    /** Waits for what is on its way to a part's memory. */
    private void arrive(int part) {
        Work work = coming.remove(parameters().turns(part));
        if (work != null) {
            await(work);
        }
    }

    /** What was gathered is out of date. */
    @Override
    public void updated() {
        present.clear();
    }
}
