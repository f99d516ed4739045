package org.airelab.distributed.tensorparallel;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.tensorparallel.TensorTraining.Member;
import org.airelab.distributed.tensorparallel.TensorTraining.Outcome;
import org.airelab.distributed.tensorparallel.TensorTraining.Task;
import org.airelab.nn.ContextExchange;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Shards;
import org.airelab.train.GradientExchange;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.Precision;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Training by ranks that have parts of each layer is that of one rank. No size is a multiple of all numbers of ranks.
 */
class TensorParityTest {
    /** One rank's, by what is trained. */
    private static final Map<Task, Outcome> ONE = new ConcurrentHashMap<>();

    private static ModelConfig llama(boolean tied) {
        return new ModelConfig(61, 24, 32, 2, 8, 4, 44, Norm.RMS, NormPlacement.PRE, 1e-5, Positions.ROPE_HALF, 10_000,
                FeedForwardKind.SWIGLU, false, tied, 0);
    }

    private static ModelConfig gpt2(boolean tied) {
        return new ModelConfig(61, 24, 32, 2, 4, 4, 64, Norm.LAYER, NormPlacement.PRE, 1e-5, Positions.LEARNED, 10_000,
                FeedForwardKind.GELU, true, tied, 0);
    }

    private static ModelConfig original() {
        return new ModelConfig(61, 24, 32, 2, 4, 4, 64, Norm.LAYER, NormPlacement.POST, 1e-5, Positions.SINUSOIDAL,
                10_000, FeedForwardKind.RELU, true, false, 0);
    }

    private record Divided(ProcessGroup group, TensorParallel division) implements Member {
        Divided(ProcessGroup group, boolean dividesTime) {
            this(group, new TensorParallel(group, dividesTime));
        }

        @Override
        public ModelShare share() {
            return new ModelShare(Shards.WHOLE, List.of(), ContextExchange.NONE, division);
        }

        @Override
        public GradientExchange exchange(TrainingSession session) {
            return new TensorSums(group, GradientExchange.NONE, division, session);
        }

        @Override
        public void close() {
            division.close();
        }
    }

    private static void check(Task task, int ranks, boolean dividesTime, double losses, double weights)
            throws Exception {
        Outcome one = ONE.computeIfAbsent(task, TensorTraining::one);
        one.requireSame(TensorTraining.several(task, ranks, group -> new Divided(group, dividesTime)), losses,
                weights);
    }

    @ParameterizedTest
    @CsvSource({"OURS,true,2,false", "OURS,true,2,true", "TORCH,true,4,false", "OURS,false,4,true"})
    void llama(KernelChoice kernels, boolean tied, int ranks, boolean dividesTime) throws Exception {
        check(Task.of(llama(tied), kernels), ranks, dividesTime, 1e-5, 1e-4);
    }

    @ParameterizedTest
    @CsvSource({"OURS,true,2,true", "TORCH,false,2,false", "TORCH,false,4,true"})
    void gpt2(KernelChoice kernels, boolean tied, int ranks, boolean dividesTime) throws Exception {
        check(Task.of(gpt2(tied), kernels).withSgd(), ranks, dividesTime, 1e-5, 1e-4);
    }

    /** Its stream enters what is divided without a norm between. */
    @Test
    void theDecoderOf2017() throws Exception {
        check(Task.of(original(), KernelChoice.OURS).withSgd(), 2, false, 1e-5, 1e-4);
        check(Task.of(original(), KernelChoice.OURS).withSgd(), 2, true, 1e-5, 1e-4);
    }

    @Test
    void withCheckpointing() throws Exception {
        check(Task.of(llama(true), KernelChoice.OURS).withCheckpointing(), 2, true, 1e-5, 1e-4);
    }

    @ParameterizedTest
    @CsvSource({"BF16,false", "BF16,true", "FP16,true"})
    void inHalfTypes(Precision precision, boolean dividesTime) throws Exception {
        check(Task.of(llama(false), KernelChoice.TORCH).withSgd().in(precision), 2, dividesTime, 2e-2, 2e-2);
    }
}
