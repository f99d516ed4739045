package org.airelab.distributed.pretrain;

import ai.djl.ndarray.NDArray;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.checkpoint.Checkpoint;
import org.airelab.checkpoint.CheckpointStore;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.distributed.checkpoint.JointCheckpoints;
import org.airelab.distributed.checkpoint.JointCheckpoints.Part;
import org.airelab.distributed.parallel.Ranks;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelTensors;
import org.airelab.nn.Shards.Piece;
import org.airelab.torch.NativeArrays;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.TrainingSession;

/**
 * A run's whole state on disk: weights and each optimizer buffer as safetensors, and {@code state.json} with the
 * clocks. The data cursor and the learning rate follow from the step, dropout's masks from step and seed. Every rank
 * has one of these: where each has all of the state rank 0 alone writes and reads it, else all do together.
 */
final class RunCheckpoints {
    private static final String MODEL = "model.safetensors";
    private static final String STATE = "state.json";

    private final Path run;
    private final CheckpointStore store;
    private final TrainingSession session;
    private final Ranks ranks;
    private final String configHash;
    /** Null where rank 0 has all. */
    private final JointCheckpoints joint;

    RunCheckpoints(Path run, PretrainConfig config, String configHash, TrainingSession session, Ranks ranks) {
        this.run = run;
        this.store = new CheckpointStore(run, config.run().keepCheckpoints());
        this.session = session;
        this.ranks = ranks;
        this.configHash = configHash;
        this.joint = ranks.divided() ? joint(config.model()) : null;
    }

    private JointCheckpoints joint(ModelConfig model) {
        return new JointCheckpoints(store, ranks.rank(), ranks::barrier,
                ModelTensors.infos(model, NativeArrays.type(session.parameters().weights())), session.parameters());
    }

    /** Whether a run's newest whole checkpoint is of that step. */
    static boolean reached(Path run, long step) {
        return new CheckpointStore(run, 1).latest(damaged -> { }).filter(newest -> newest.step() == step).isPresent();
    }

    /** Whether there is no checkpoint yet, not even a damaged one. */
    boolean none() {
        return store.steps().isEmpty();
    }

    /**
     * Saves everything as of now, and marks the checkpoint the best when it is. All ranks do this at once.
     *
     * @param seconds        what the run has taken so far; rank 0's counts, as of all that follows
     * @param validationLoss of these weights; NaN when they were not validated
     * @param guard          the divergence guard's memory
     */
    void save(double seconds, double validationLoss, DivergenceGuard.Memory guard) {
        long step = session.trainer().step();
        CheckpointStore.FileWriter state = CheckpointStore.FileWriter.text(state(seconds, validationLoss, guard));
        if (joint != null) {
            joint.save(step, parts(), Map.of(STATE, state));
        } else if (ranks.rank() == 0) {
            Map<String, CheckpointStore.FileWriter> files = new LinkedHashMap<>();
            buffers().forEach((name, buffer) -> files.put(name,
                    out -> ModelTensors.write(out, session.parameters(), buffer)));
            files.put(STATE, state);
            store.save(step, files);
        }
        if (ranks.rank() == 0) {
            markIfBest(step, validationLoss);
        }
    }

    /** What is saved, by the names of the files. */
    private Map<String, NDArray> buffers() {
        Map<String, NDArray> buffers = new LinkedHashMap<>();
        buffers.put(MODEL, session.parameters().weights());
        session.optimizer().state().forEach((name, buffer) -> buffers.put(name + ".safetensors", buffer));
        return buffers;
    }

    private Map<String, Part> parts() {
        Map<String, Part> parts = new LinkedHashMap<>();
        List<Piece> writes = ranks.writes(session.parameters());
        parts.put(MODEL, new Part(session.parameters().weights(), session.parameters().keptWeights(), writes));
        session.optimizer().state().forEach((name, buffer) -> parts.put(name + ".safetensors",
                new Part(buffer, session.optimizer().owned(), writes)));
        return parts;
    }

    private void markIfBest(long step, double validationLoss) {
        if (Double.isFinite(validationLoss) && !(store.bestLoss().orElse(Double.NaN) <= validationLoss)) {
            store.markBest(step, validationLoss);
        }
    }

    private String state(double seconds, double validationLoss, DivergenceGuard.Memory guard) {
        ObjectNode state = Json.MAPPER.createObjectNode();
        state.put("step", session.trainer().step());
        state.put("updates", session.trainer().updates());
        state.put("loss_scale", session.scaler().scale());
        state.put("good_steps", session.scaler().goodSteps());
        state.put("config_hash", configHash);
        state.put("seconds", seconds);
        if (Double.isFinite(validationLoss)) {
            state.put("val_loss", validationLoss);
        }
        state.set("guard", Json.MAPPER.valueToTree(guard));
        return state.toPrettyString() + "\n";
    }

    /**
     * Takes up the clocks of the newest whole checkpoint, on rank 0, which then tells the others; what the buffers hold
     * comes after that: {@link #restoreBuffers}. Damaged checkpoints are told to {@code warn} and passed over.
     *
     * @param guard takes up its memory
     * @return seconds that the run had taken; 0 when there is no checkpoint yet
     * @throws UserError (bad input) when there are checkpoints and none is whole
     */
    double restoreClocks(DivergenceGuard guard, Consumer<String> warn) {
        Optional<Checkpoint> latest = store.latest(warn);
        if (latest.isEmpty()) {
            if (!none()) {
                throw UserError.badInput("no checkpoint of " + run + " is whole, of the steps " + store.steps() + ".",
                        "Restore one from a copy, or start over with --overwrite.");
            }
            return 0;
        }
        Checkpoint checkpoint = latest.get();
        try {
            JsonNode state = Json.MAPPER.readTree(Files.readString(checkpoint.file(STATE)));
            if (!state.path("config_hash").asText().equals(configHash)) {
                throw UserError.badInput(checkpoint.folder() + " was saved under another configuration than the run's"
                        + " config.yaml.", "Restore config.yaml, or start a new run.");
            }
            session.trainer().restore(state.path("step").asLong(), state.path("updates").asLong());
            session.scaler().restore(state.path("loss_scale").asDouble(), state.path("good_steps").asInt());
            guard.restore(Json.MAPPER.treeToValue(state.path("guard"), DivergenceGuard.Memory.class));
            store.continueFrom(checkpoint.step());
            markIfBest(checkpoint.step(), state.path("val_loss").asDouble(Double.NaN));
            return state.path("seconds").asDouble();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Fills weights and optimizer's state of all ranks from the checkpoint whose clocks they have; at step 0 there is
     * none. Nothing of this is before {@link Ranks#begin}.
     */
    void restoreBuffers() {
        long step = session.trainer().step();
        if (step == 0) {
            return;
        }
        if (joint != null) {
            joint.read(store.begun(step), parts());
            // Ranks read for as long as their disks take.
            ranks.barrier();
            return;
        }
        if (ranks.rank() == 0) {
            Checkpoint checkpoint = store.begun(step);
            buffers().forEach((name, buffer) -> {
                try (SafetensorsFile file = SafetensorsFile.open(checkpoint.file(name))) {
                    ModelTensors.restore(session.parameters(), buffer, file);
                }
            });
        }
        // That takes as long as the disk does, for which others wait at a barrier alone.
        ranks.barrier();
        buffers().values().forEach(ranks::send);
    }
}
