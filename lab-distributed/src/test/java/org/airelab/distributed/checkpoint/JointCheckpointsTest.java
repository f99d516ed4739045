package org.airelab.distributed.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.airelab.base.UserError;
import org.airelab.checkpoint.Checkpoint;
import org.airelab.checkpoint.CheckpointStore;
import org.airelab.checkpoint.CheckpointStore.FileWriter;
import org.airelab.distributed.checkpoint.JointCheckpoints.Part;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.distributed.tensorparallel.TensorParallel;
import org.airelab.nn.ContextExchange;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelTensors;
import org.airelab.nn.Shards;
import org.airelab.nn.Shards.Piece;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ranks as threads, each with its parts of a model's weights. */
class JointCheckpointsTest {
    private static final ModelConfig MODEL = new ModelConfig(61, 24, 32, 3, 4, 2, 44, ModelConfig.Norm.RMS,
            ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.ROPE_HALF, 10_000,
            ModelConfig.FeedForwardKind.SWIGLU, false, true, 0);

    @TempDir
    private Path folder;

    private static TrainingSession session(long seed, Shards shards) {
        return session(seed, new ModelShare(shards));
    }

    private static TrainingSession session(long seed, ModelShare share) {
        return new TrainingSession(new TrainingSession.Setup(Device.cpu(), Precision.FP32, KernelChoice.TORCH, false,
                seed), MODEL, OptimizerConfig.adamW(1e-3), new Schedule(Schedule.Decay.CONSTANT, 0, 9, 1e-3, 0),
                share);
    }

    private static JointCheckpoints joint(Path run, TrainingSession session, int rank, Runnable barrier) {
        return new JointCheckpoints(new CheckpointStore(run, 3), rank, barrier,
                ModelTensors.infos(MODEL, ScalarType.FLOAT32), session.parameters());
    }

    /** A rank's pieces of the weights, one behind the other. */
    private static NDArray gathered(TrainingSession session) {
        NDArray weights = session.parameters().weights();
        List<Piece> pieces = session.optimizer().owned();
        NDArray parts = Tensor.empty(ScalarType.FLOAT32, Device.cpu(), pieces.stream().mapToLong(Piece::size).sum())
                .attach(session.manager());
        long at = 0;
        for (Piece piece : pieces) {
            NativeArrays.copy(NativeArrays.view(weights, piece.from(), piece.size()).attach(session.manager()),
                    NativeArrays.view(parts, at, piece.size()).attach(session.manager()));
            at += piece.size();
        }
        return parts;
    }

    private void save(Path run, int ranks) throws Exception {
        save(run, ranks, rank -> Shards.of(rank, ranks, 5000));
    }

    private void save(Path run, int ranks, IntFunction<Shards> shards) throws Exception {
        RankThreads.run(ranks, RankThreads.LIMITS, group -> {
            try (TrainingSession session = session(3, shards.apply(group.rank()))) {
                List<Piece> owned = session.optimizer().owned();
                NDArray mine = session.parameters().shards().dividesWeights() ? session.parameters().weights()
                        : gathered(session);
                joint(run, session, group.rank(), () -> group.barrier().await()).save(7,
                        Map.of("model.safetensors", new Part(mine, owned, owned)),
                        Map.of("state.json", FileWriter.text("{}")));
            }
        });
    }

    /** However many ranks write it, and in whatever pieces, the file is the one that a rank alone writes. */
    @Test
    void filesAreThoseOfOneRank() throws Exception {
        try (TrainingSession whole = session(3, Shards.WHOLE)) {
            Checkpoint alone = new CheckpointStore(folder.resolve("alone"), 3).save(7, Map.of("model.safetensors",
                    out -> ModelTensors.write(out, whole.parameters(), whole.parameters().weights()),
                    "state.json", FileWriter.text("{}")));
            for (int ranks : new int[] {1, 2, 3}) {
                Path run = folder.resolve("ranks-" + ranks);
                save(run, ranks);
                requireSame(alone, run);
                Path zero3 = folder.resolve("zero3-" + ranks);
                save(zero3, ranks, rank -> Shards.ofParts(rank, ranks, 3));
                requireSame(alone, zero3);
            }
        }
    }

    private static void requireSame(Checkpoint alone, Path run) throws Exception {
        Checkpoint found = new CheckpointStore(run, 3).at(7);
        for (String file : List.of("model.safetensors", "state.json", "COMPLETE.json")) {
            assertArrayEquals(Files.readAllBytes(alone.file(file)), Files.readAllBytes(found.file(file)), file);
        }
    }

    /** Each fills the share of the weights that it keeps. */
    @Test
    void ranksThatDivideTheWeightsReadThem() throws Exception {
        Path run = folder.resolve("run");
        save(run, 2);
        for (int rank = 0; rank < 3; rank++) {
            Shards shards = Shards.ofParts(rank, 3, 3);
            try (TrainingSession expected = session(3, shards); TrainingSession session = session(4, shards)) {
                NDArray weights = session.parameters().weights();
                assertEquals(session.parameters().size() / 3, weights.size());
                joint(run, session, rank, () -> { }).read(new CheckpointStore(run, 3).at(7), Map.of("model.safetensors",
                        new Part(weights, session.parameters().keptWeights(), session.optimizer().owned())));
                assertArrayEquals(NativeArrays.floats(expected.parameters().weights()), NativeArrays.floats(weights));
            }
        }
    }

    @Test
    void otherRanksReadWhatTheyNeed() throws Exception {
        Path run = folder.resolve("run");
        save(run, 2);
        RankThreads.run(3, RankThreads.LIMITS, group -> {
            Shards shards = Shards.of(group.rank(), 3, 999);
            try (TrainingSession expected = session(3, shards); TrainingSession session = session(4, shards)) {
                NDArray mine = gathered(session);
                List<Piece> owned = session.optimizer().owned();
                NDArray weights = session.parameters().weights();
                List<Piece> all = List.of(new Piece(0, session.parameters().size()));
                CheckpointStore store = new CheckpointStore(run, 3);
                joint(run, session, group.rank(), () -> { }).read(store.at(7),
                        Map.of("model.safetensors", new Part(mine, owned, owned)));
                assertArrayEquals(NativeArrays.floats(gathered(expected)), NativeArrays.floats(mine));
                joint(run, session, group.rank(), () -> { }).read(store.at(7),
                        Map.of("model.safetensors", new Part(weights, all, owned)));
                assertArrayEquals(NativeArrays.floats(expected.parameters().weights()), NativeArrays.floats(weights));
            }
        });
    }

    /** Ranks that have parts of the layers write the file that a rank alone writes, and read their parts of that. */
    @Test
    void dividedLayersAreWrittenWhole() throws Exception {
        Path run = folder.resolve("divided");
        RankThreads.run(2, RankThreads.LIMITS, group -> {
            try (TensorParallel division = new TensorParallel(group, false)) {
                ModelShare share = new ModelShare(Shards.WHOLE, List.of(), ContextExchange.NONE, division);
                try (TrainingSession session = session(3, share); TrainingSession other = session(4, share)) {
                    NDArray weights = session.parameters().weights();
                    List<Piece> all = session.optimizer().owned();
                    JointCheckpoints joint = joint(run, session, group.rank(), () -> group.barrier().await());
                    joint.save(7, Map.of("model.safetensors", new Part(weights, all,
                            session.parameters().slots().stream().filter(slot -> share.counts(slot.spec()))
                                    .map(slot -> new Piece(slot.offset(), slot.offset() + slot.spec().elements()))
                                    .toList())), Map.of());
                    group.barrier().await();
                    joint(run, other, group.rank(), () -> { }).read(new CheckpointStore(run, 3).at(7),
                            Map.of("model.safetensors", new Part(other.parameters().weights(), all, all)));
                    assertArrayEquals(NativeArrays.floats(weights), NativeArrays.floats(other.parameters().weights()));
                }
            }
        });
        try (TrainingSession whole = session(3, Shards.WHOLE)) {
            Checkpoint alone = new CheckpointStore(folder.resolve("alone"), 3).save(7, Map.of("model.safetensors",
                    out -> ModelTensors.write(out, whole.parameters(), whole.parameters().weights())));
            assertArrayEquals(Files.readAllBytes(alone.file("model.safetensors")),
                    Files.readAllBytes(new CheckpointStore(run, 3).at(7).file("model.safetensors")));
        }
    }

    /** A rank that cannot write leaves no checkpoint, and what was begun is gone with the next one. */
    @Test
    void withoutOneRankThereIsNone() throws Exception {
        Path run = folder.resolve("run");
        List<Runnable> met = new ArrayList<>();
        try (TrainingSession session = session(3, Shards.WHOLE)) {
            List<Piece> all = session.optimizer().owned();
            Map<String, Part> parts = Map.of("model.safetensors", new Part(session.parameters().weights(), all, all));
            JointCheckpoints first = joint(run, session, 0, () -> {
                met.add(null);
                if (met.size() == 2) {
                    throw UserError.machine("rank 1 is gone.", "");
                }
            });
            assertThrows(UserError.class, () -> first.save(7, parts, Map.of()));
            assertEquals(List.of(), new CheckpointStore(run, 3).steps());
            UserError error = assertThrows(UserError.class,
                    () -> joint(run, session, 1, () -> { }).save(7, parts, Map.of()));
            assertTrue(error.getMessage().startsWith("rank 1 could not write its part of the checkpoint to "),
                    error.getMessage());
            assertEquals(UserError.MACHINE, error.exitCode());
        }
        save(run, 2);
        assertEquals(List.of(7L), new CheckpointStore(run, 3).steps());
    }
}
