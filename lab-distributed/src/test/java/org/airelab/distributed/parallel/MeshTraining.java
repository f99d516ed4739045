package org.airelab.distributed.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.airelab.checkpoint.CheckpointStore;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.ParallelTraining;
import org.airelab.distributed.checkpoint.JointCheckpoints;
import org.airelab.distributed.checkpoint.JointCheckpoints.Part;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.pipeline.PipelineSchedule;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelTensors;
import org.airelab.torch.ScalarType;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.KernelChoice;
import org.airelab.train.Precision;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;

/** The training of a small Llama by the ranks of any mesh, from a checkpoint and to one. */
final class MeshTraining {
    static final int STEPS = 50;
    /** Of a step, of all samplers together. */
    static final int PASSES = 4;
    /** Its layers make two stages on each of two ranks. */
    static final ModelConfig LLAMA = new ModelConfig(61, 24, 32, 4, 8, 4, 44, ModelConfig.Norm.RMS,
            ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.ROPE_HALF, 10_000,
            ModelConfig.FeedForwardKind.SWIGLU, false, true, 0);
    private static final ParallelTraining TRAINING = new ParallelTraining(LLAMA, Precision.FP32, KernelChoice.OURS,
            false, STEPS, PASSES, 2);

    private MeshTraining() {
    }

    /** A way is a mesh and, behind it, what else: z1 to z3 for ZeRO, sp, and a schedule with its chunks. */
    static Division division(String way) {
        List<String> words = List.of(way.split(" "));
        int zero = words.stream().filter(word -> word.matches("z\\d")).mapToInt(word -> word.charAt(1) - '0').sum();
        boolean interleaved = words.contains("interleaved");
        return new Division(MeshShape.parse(words.getFirst(), OptionalInt.empty()),
                new Replicas.Settings(Replicas.Gradients.BUCKETED, 20_000, zero, 10), words.contains("sp"),
                interleaved ? PipelineSchedule.INTERLEAVED : words.contains("afab") ? PipelineSchedule.AFAB
                        : PipelineSchedule.ONE_F_ONE_B, interleaved ? 2 : 1);
    }

    /** A session of a rank's share. */
    static TrainingSession session(Ranks ranks) {
        return TRAINING.session(ranks.share(LLAMA, PASSES / ranks.samplers()));
    }

    /** What a rank takes of a step. */
    static List<TokenBatch> batches(long step, Ranks ranks) {
        return TRAINING.batches(step, ranks.sampler(), ranks.samplers());
    }

    /** Steps of a rank, from what was saved before on, and saves: losses and the gradients' norms. */
    static double[][] train(Ranks ranks, Path run, int from, int steps) throws Exception {
        double[][] found = new double[2][steps];
        try (ranks; TrainingSession session = session(ranks)) {
            if (ranks.rank() == 0) {
                session.trainer().restore(from, from);
            }
            ranks.begin(session, new DivergenceGuard(0));
            JointCheckpoints checkpoints = new JointCheckpoints(new CheckpointStore(run, 3), ranks.rank(),
                    ranks::barrier, ModelTensors.infos(LLAMA, ScalarType.FLOAT32), session.parameters());
            if (from > 0) {
                checkpoints.read(new CheckpointStore(run, 3).begun(from), parts(ranks, session));
            }
            assertEquals(from, session.trainer().step());
            for (int i = 0; i < steps; i++) {
                StepReport report = ranks.step(session.trainer(), batches(from + i, ranks));
                found[0][i] = report.loss();
                found[1][i] = report.gradientNorm();
                ranks.check(i + 1, session.parameters());
            }
            checkpoints.save(from + steps, parts(ranks, session), Map.of());
            ranks.barrier();
            ranks.bubble(PASSES / ranks.samplers());
        }
        return found;
    }

    private static Map<String, Part> parts(Ranks ranks, TrainingSession session) {
        Map<String, Part> parts = new LinkedHashMap<>();
        parts.put("model.safetensors", new Part(session.parameters().weights(), session.parameters().keptWeights(),
                ranks.writes(session.parameters())));
        session.optimizer().state().forEach((name, buffer) -> parts.put(name + ".safetensors",
                new Part(buffer, session.optimizer().owned(), ranks.writes(session.parameters()))));
        return parts;
    }

    /** The weights at the end, by name. */
    static Map<String, float[]> weights(Path run) {
        Map<String, float[]> found = new TreeMap<>();
        try (SafetensorsFile file = SafetensorsFile.open(
                new CheckpointStore(run, 3).at(STEPS).file("model.safetensors"))) {
            file.names().forEach(name -> found.put(name,
                    file.tensor(name).data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED)));
        }
        return found;
    }
}
