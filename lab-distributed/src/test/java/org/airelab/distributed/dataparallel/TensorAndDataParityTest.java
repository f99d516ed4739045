package org.airelab.distributed.dataparallel;

import java.util.Arrays;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.ParallelTraining;
import org.airelab.distributed.ParallelTraining.Member;
import org.airelab.distributed.ParallelTraining.Outcome;
import org.airelab.distributed.ParallelTraining.Task;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.mesh.Mesh;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.tensorparallel.TensorParallel;
import org.airelab.distributed.tensorparallel.TensorSums;
import org.airelab.nn.ModelConfig;
import org.airelab.train.GradientExchange;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.Shards;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two replicas of two ranks that divide each layer: that is one rank's training, too. */
class TensorAndDataParityTest {
    private static final ModelConfig LLAMA = new ModelConfig(61, 24, 32, 2, 8, 4, 44, ModelConfig.Norm.RMS,
            ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.ROPE_HALF, 10_000,
            ModelConfig.FeedForwardKind.SWIGLU, false, true, 0);

    /** With or without the optimizer's state divided between the replicas. */
    private record Both(Mesh mesh, TensorParallel division, boolean zero) implements Member {
        private Shards shards() {
            return Shards.of(zero ? mesh.replicas().rank() : 0, zero ? 2 : 1, 2000);
        }

        @Override
        public ModelShare share() {
            return new ModelShare(shards(), division);
        }

        @Override
        public GradientExchange exchange(TrainingSession session) {
            GradientExchange replicas = zero ? new ShardedSums(mesh.replicas(), session.parameters(), shards())
                    : new BucketedSums(mesh.replicas(), session.parameters(), shards());
            return new TensorSums(mesh.tensor(), replicas, division, session);
        }

        @Override
        public TokenBatch part(TokenBatch batch) {
            int half = batch.inputs().length / 2;
            int from = mesh.replicas().rank() * half;
            return new TokenBatch(batch.batchSize() / 2, batch.contextLength(),
                    Arrays.copyOfRange(batch.inputs(), from, from + half),
                    Arrays.copyOfRange(batch.targets(), from, from + half));
        }

        @Override
        public void close() {
            division.close();
            mesh.close();
        }
    }

    private static Member join(ProcessGroup group, boolean dividesTime, boolean zero) {
        Mesh mesh = new Mesh(group, new MeshShape(2, 1, 2, 1));
        return new Both(mesh, new TensorParallel(mesh.tensor(), dividesTime), zero);
    }

    @ParameterizedTest
    @CsvSource({"false,false", "true,false", "true,true"})
    void twoTimesTwo(boolean dividesTime, boolean zero) throws Exception {
        Task task = Task.of(LLAMA, KernelChoice.OURS);
        Outcome one = ParallelTraining.one(task);
        one.requireSame(ParallelTraining.several(task, 4, group -> join(group, dividesTime, zero)),
                1e-5, 1e-4);
    }
}
