package org.airelab.distributed.pretrain;

import ai.djl.ndarray.NDArray;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.checkpoint.Checkpoint;
import org.airelab.checkpoint.CheckpointStore;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.nn.ModelTensors;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.TrainingSession;

/**
 * A run's whole state on disk: weights and each optimizer buffer as safetensors, and {@code state.json} with the
 * clocks. The data cursor and the learning rate follow from the step, dropout's masks from step and seed.
 */
final class RunCheckpoints {
    private static final String MODEL = "model.safetensors";
    private static final String STATE = "state.json";

    private final Path run;
    private final CheckpointStore store;
    private final TrainingSession session;
    private final Replicas replicas;
    private final String configHash;

    RunCheckpoints(Path run, int keep, TrainingSession session, Replicas replicas, String configHash) {
        this.run = run;
        this.store = new CheckpointStore(run, keep);
        this.session = session;
        this.replicas = replicas;
        this.configHash = configHash;
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
     * Saves everything as of now, and marks the checkpoint the best when it is. The other ranks give their parts
     * meanwhile: {@link #giveState}.
     *
     * @param seconds        what the run has taken so far
     * @param validationLoss of these weights; NaN when they were not validated
     * @param guard          the divergence guard's memory
     */
    void save(double seconds, double validationLoss, DivergenceGuard.Memory guard) {
        Map<String, CheckpointStore.FileWriter> files = new LinkedHashMap<>();
        files.put(MODEL, out -> ModelTensors.write(out, session.parameters(), session.parameters().weights()));
        for (Map.Entry<String, NDArray> state : session.optimizer().state().entrySet()) {
            files.put(state.getKey() + ".safetensors", out -> replicas.useWhole(state.getValue(),
                    whole -> ModelTensors.write(out, session.parameters(), whole)));
        }
        files.put(STATE, CheckpointStore.FileWriter.text(state(seconds, validationLoss, guard)));
        store.save(session.trainer().step(), files);
        markIfBest(session.trainer().step(), validationLoss);
    }

    private void markIfBest(long step, double validationLoss) {
        if (Double.isFinite(validationLoss) && !(store.bestLoss().orElse(Double.NaN) <= validationLoss)) {
            store.markBest(step, validationLoss);
        }
    }

    /** What ranks other than 0 do while rank 0 saves. */
    static void giveState(TrainingSession session, Replicas replicas) throws IOException {
        for (NDArray buffer : session.optimizer().state().values()) {
            replicas.useWhole(buffer, whole -> { });
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
     * A checkpoint that was taken up.
     *
     * @param seconds the run had taken
     */
    record Restored(Checkpoint checkpoint, double seconds) {
    }

    /**
     * Takes up the newest whole checkpoint, but for the optimizer's state: {@link #restoreState}. Damaged ones are told
     * to {@code warn} and passed over.
     *
     * @param guard takes up its memory
     * @return nothing when there is no checkpoint yet
     * @throws UserError (bad input) when there are checkpoints and none is whole
     */
    Optional<Restored> restore(DivergenceGuard guard, Consumer<String> warn) {
        Optional<Checkpoint> latest = store.latest(warn);
        if (latest.isEmpty()) {
            if (!none()) {
                throw UserError.badInput("No checkpoint of " + run + " is whole, of the steps " + store.steps() + ".",
                        "Restore one from a copy, or start over with --overwrite.");
            }
            return Optional.empty();
        }
        Checkpoint checkpoint = latest.get();
        try {
            JsonNode state = Json.MAPPER.readTree(Files.readString(checkpoint.file(STATE)));
            if (!state.path("config_hash").asText().equals(configHash)) {
                throw UserError.badInput(checkpoint.folder() + " was saved under another configuration than the run's"
                        + " config.yaml.", "Restore config.yaml, or start a new run.");
            }
            restore(checkpoint.file(MODEL), session.parameters().weights());
            session.trainer().restore(state.path("step").asLong(), state.path("updates").asLong());
            session.scaler().restore(state.path("loss_scale").asDouble(), state.path("good_steps").asInt());
            guard.restore(Json.MAPPER.treeToValue(state.path("guard"), DivergenceGuard.Memory.class));
            store.continueFrom(checkpoint.step());
            markIfBest(checkpoint.step(), state.path("val_loss").asDouble(Double.NaN));
            return Optional.of(new Restored(checkpoint, state.path("seconds").asDouble()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Fills the optimizer's state, which all ranks have or have parts of: they do {@link #takeState}. */
    void restoreState(Restored restored) throws IOException {
        for (Map.Entry<String, NDArray> buffer : session.optimizer().state().entrySet()) {
            replicas.fillWhole(buffer.getValue(),
                    whole -> restore(restored.checkpoint.file(buffer.getKey() + ".safetensors"), whole));
        }
    }

    /** What ranks other than 0 do then. */
    static void takeState(TrainingSession session, Replicas replicas) throws IOException {
        for (NDArray buffer : session.optimizer().state().values()) {
            replicas.fillWhole(buffer, whole -> { });
        }
    }

    private void restore(Path path, NDArray buffer) {
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            ModelTensors.restore(session.parameters(), buffer, file);
        }
    }
}
