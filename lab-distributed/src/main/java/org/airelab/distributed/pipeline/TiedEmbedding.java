package org.airelab.distributed.pipeline;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.WaitClock;
import org.airelab.nn.Decoder;
import org.airelab.nn.FlatParameters;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.Tensor;

/**
 * The matrix that is the embedding's on the first rank of a pipeline and the head's on the last. In every step the
 * first rank adds the last one's gradient to its own and moves the matrix, and the last gets it from there, where its
 * own gradient is 0: so the gradient counts once, and the two stay the same to the bit whatever becomes of it in
 * between. As many bytes are moved as when both sum and both move (Megatron-LM's embedding group).
 */
final class TiedEmbedding {
    private final ProcessGroup group;
    private final WaitClock clock;
    private final FlatParameters parameters;
    private final FlatParameters.Slot slot;

    private TiedEmbedding(ProcessGroup group, WaitClock clock, FlatParameters parameters, FlatParameters.Slot slot) {
        this.group = group;
        this.clock = clock;
        this.parameters = parameters;
        this.slot = slot;
    }

    /** Of a model that ties them; null on the ranks that have neither embedding nor head. */
    static TiedEmbedding of(ProcessGroup group, WaitClock clock, FlatParameters parameters) {
        return parameters.slots().stream().filter(slot -> slot.spec().path().equals(Decoder.EMBEDDING_MATRIX))
                .findFirst().map(slot -> new TiedEmbedding(group, clock, parameters, slot)).orElse(null);
    }

    private int last() {
        return group.size() - 1;
    }

    /** The first element of the flat buffers behind the matrix, which they begin with. */
    long end() {
        return slot.offset() + slot.spec().elements();
    }

    /** The first element that is this rank's own: on the last rank the matrix is a copy. */
    long firstOwn() {
        return group.rank() == last() ? end() : 0;
    }

    private NDArray part(NDManager scope, NDArray buffer) {
        return NativeArrays.view(buffer, slot.offset(), slot.spec().elements()).attach(scope);
    }

    /** Moves the last rank's gradient to the first. */
    void sumGradients() {
        try (NDManager scope = parameters.gradients().getManager().newSubManager();
                Autograd.Mode off = Autograd.notRecording()) {
            NDArray mine = part(scope, parameters.gradients());
            if (group.rank() == last()) {
                send(mine, 0);
                Aten.zero(mine);
            } else {
                NDArray others = Tensor.empty(NativeArrays.type(mine), NativeArrays.device(mine), mine.size())
                        .attach(scope);
                receive(others, last());
                mine.addi(others);
            }
        }
    }

    /** Copies the first rank's weights to the last. */
    void copyWeights() {
        try (NDManager scope = parameters.weights().getManager().newSubManager()) {
            NDArray mine = part(scope, parameters.weights());
            if (group.rank() == last()) {
                receive(mine, 0);
            } else {
                send(mine, last());
            }
        }
    }

    private void send(NDArray array, int to) {
        clock.await(group.send(NativeArrays.kernelMemory(array), NativeArrays.type(array), to));
    }

    private void receive(NDArray array, int from) {
        clock.await(group.receive(NativeArrays.kernelMemory(array), NativeArrays.type(array), from));
    }
}
