package org.airelab.distributed.pretrain;

import ai.djl.ndarray.NDArray;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.Shards;
import org.airelab.torch.NativeArrays;
import org.airelab.train.TrainingSession;

/**
 * What a rank's flat buffers take, in bytes, by part, beside the formula of Rajbhandari et al. (2020), section 5: of
 * {@code P} parameters in float32 {@code 4P} for the weights, {@code 4P} for the gradients, {@code 4P} for each of the
 * optimizer's buffers, of which a rank has an N-th of what its stage of ZeRO divides among N ranks. The buffers are
 * larger by their gaps.
 *
 * @param parameters {@code P} of what the rank has of the model
 * @param turns      memory in which parts of the model have weights and gradients by turns, where those are divided
 * @param buffers    of the optimizer, two of Adam's
 */
record RankMemory(long parameters, long weights, long gradients, long optimizer, long turns, int buffers,
        Shards shards) {
    static RankMemory of(TrainingSession session) {
        var state = session.optimizer().state().values();
        FlatParameters parameters = session.parameters();
        return new RankMemory(parameters.parameterCount(), bytes(parameters.weights()), bytes(parameters.gradients()),
                state.stream().mapToLong(RankMemory::bytes).sum(),
                parameters.turnsSize() * NativeArrays.type(parameters.weights()).bytes(), state.size(),
                parameters.shards());
    }

    private static long bytes(NDArray array) {
        return array.size() * NativeArrays.type(array).bytes();
    }

    /** All of these, in bytes. */
    long total() {
        return weights + gradients + optimizer + turns;
    }

    /**
     * In words, what ranks have, which may have different parts of the model.
     *
     * @param totals each rank's {@link #total}
     */
    static String range(long[] totals) {
        int most = IntStream.range(0, totals.length).reduce(0, (a, b) -> totals[b] > totals[a] ? b : a);
        long least = Arrays.stream(totals).min().orElseThrow();
        return least == totals[most] ? String.format(Locale.ROOT, "together %.2f MB on each rank", least / 1e6)
                : String.format(Locale.ROOT, "together %.2f to %.2f MB on a rank, the most on rank %d", least / 1e6,
                        totals[most] / 1e6, most);
    }

    private String formula(int bytes, boolean divided) {
        int among = divided ? shards.ranks() : 1;
        return String.format(Locale.ROOT, "%dP%s = %.2f", bytes, among > 1 ? "/" + among : "",
                bytes * (double) parameters / among / 1e6);
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "on rank 0 %.2f MB of weights (%s), %.2f MB of gradients (%s), %.2f MB of"
                + " the optimizer's state (%s)%s; P = %,d", weights / 1e6, formula(4, shards.dividesWeights()),
                gradients / 1e6, formula(4, shards.dividesGradients()), optimizer / 1e6, formula(4 * buffers, true),
                turns == 0 ? "" : String.format(Locale.ROOT, ", %.2f MB for parts of the model by turns", turns / 1e6),
                parameters);
    }
}
