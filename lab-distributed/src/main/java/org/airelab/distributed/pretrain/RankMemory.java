package org.airelab.distributed.pretrain;

import ai.djl.ndarray.NDArray;
import java.util.Locale;
import org.airelab.torch.NativeArrays;
import org.airelab.train.TrainingSession;

/**
 * What a rank's flat buffers take, in bytes, by part, beside the formula of Rajbhandari et al. (2020), section 5: of
 * {@code P} parameters in float32 {@code 4P} for the weights, {@code 4P} for the gradients, {@code 4P} for each of the
 * optimizer's buffers, which is divided among the ranks that share it. The buffers are larger by their gaps.
 *
 * @param parameters {@code P}
 * @param buffers    of the optimizer, two of Adam's
 * @param sharers    ranks that have a part of the optimizer's buffers each
 */
record RankMemory(long parameters, long weights, long gradients, long optimizer, int buffers, int sharers) {
    static RankMemory of(TrainingSession session, int sharers) {
        var state = session.optimizer().state().values();
        return new RankMemory(session.parameters().parameterCount(), bytes(session.parameters().weights()),
                bytes(session.parameters().gradients()), state.stream().mapToLong(RankMemory::bytes).sum(),
                state.size(), sharers);
    }

    private static long bytes(NDArray array) {
        return array.size() * NativeArrays.type(array).bytes();
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "on each rank %.2f MB of weights (4P), %.2f MB of gradients (4P), %.2f MB of"
                + " the optimizer's state (%dP%s); P = %,d", weights / 1e6, gradients / 1e6, optimizer / 1e6,
                4 * buffers, sharers > 1 ? "/" + sharers : "", parameters);
    }
}
