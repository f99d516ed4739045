package org.airelab.distributed.pretrain;

import ai.djl.ndarray.NDArray;
import java.util.Locale;
import org.airelab.torch.NativeArrays;
import org.airelab.train.TrainingSession;

/**
 * What a rank's flat buffers take, in bytes, by part: of {@code P} parameters in float32 {@code 4P} for weights,
 * {@code 4P} for gradients, and for Adam's state {@code 8P}, with ZeRO-1 {@code 8P / ranks}.
 */
record RankMemory(long weights, long gradients, long optimizer) {
    static RankMemory of(TrainingSession session) {
        return new RankMemory(bytes(session.parameters().weights()), bytes(session.parameters().gradients()),
                session.optimizer().state().values().stream().mapToLong(RankMemory::bytes).sum());
    }

    private static long bytes(NDArray array) {
        return array.size() * NativeArrays.type(array).bytes();
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "on each rank %.1f MB of weights, %.1f MB of gradients, %.1f MB of the"
                + " optimizer's state", weights / 1e6, gradients / 1e6, optimizer / 1e6);
    }
}
