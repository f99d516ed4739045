package org.airelab.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.airelab.base.AtomicFiles;
import org.airelab.base.IoReasons;
import org.airelab.base.Json;
import org.airelab.base.UserError;

/**
 * The checkpoints of a run, {@code checkpoints/step-00000100/} and so on. A checkpoint is there whole or not at all:
 * its files are written to a hidden folder, hashed meanwhile and forced to the disk; {@value Marker#NAME}, which lists
 * them with size and SHA-256, comes last; then the folder is renamed in one step. Before a checkpoint is used, every
 * byte of it is checked against that list, and a damaged one is passed over for the one before it.
 *
 * <p>One process writes to a store at a time (the run's lock sees to that); others may read.
 */
public final class CheckpointStore {
    private static final String FOLDER = "checkpoints";
    private static final String BEST = "best.json";

    private final StepFolders folders;
    private final int keepLast;

    /** Writes a file's content. */
    @FunctionalInterface
    public interface FileWriter {
        /** Writes everything to {@code out}, which the store opens, forces to the disk and closes. */
        void write(WritableByteChannel out) throws IOException;

        /** A UTF-8 text. */
        static FileWriter text(String content) {
            return out -> out.write(ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8)));
        }
    }

    /**
     * Reads nothing and creates nothing yet.
     *
     * @param runFolder the run's folder
     * @param keepLast  how many of the newest checkpoints {@link #save} leaves, at least 1
     */
    public CheckpointStore(Path runFolder, int keepLast) {
        if (keepLast < 1) {
            throw new IllegalArgumentException("expected to keep at least 1 checkpoint, found " + keepLast);
        }
        this.folders = new StepFolders(runFolder.resolve(FOLDER));
        this.keepLast = keepLast;
    }

    /**
     * Saves a checkpoint and deletes those too old to keep. A checkpoint of the same step is replaced.
     *
     * @param files content by file name, written in the map's order on the calling thread
     * @throws UserError (machine) when the disk is full or cannot be written; earlier checkpoints are untouched then
     */
    public Checkpoint save(long step, Map<String, FileWriter> files) {
        files.keySet().forEach(CheckpointStore::requireFileName);
        Path temporary = folders.temporary(step);
        Path folder;
        try {
            folders.recover();
            folders.create(temporary);
            writeAll(temporary, step, files);
            folder = folders.commit(temporary, step);
        } catch (UncheckedIOException e) {
            throw unwritable(step, e.getCause());
        } catch (IOException e) {
            throw unwritable(step, e);
        } finally {
            StepFolders.deleteQuietly(temporary);
        }
        prune(step);
        return new Checkpoint(step, folder);
    }

    /**
     * The newest checkpoint that is whole.
     *
     * @param warn is told in one sentence about each newer one that was refused, and why
     */
    public Optional<Checkpoint> latest(Consumer<String> warn) {
        for (long step : folders.steps().reversed()) {
            Optional<String> refusal = Marker.refusal(folders.of(step), step);
            if (refusal.isEmpty()) {
                return Optional.of(new Checkpoint(step, folders.of(step)));
            }
            warn.accept("Checkpoint " + folders.of(step) + " is refused: " + refusal.get() + ".");
        }
        return Optional.empty();
    }

    /** The checkpoint of one step; bad input when there is none or it is not whole. */
    public Checkpoint at(long step) {
        List<Long> steps = folders.steps();
        if (!steps.contains(step)) {
            throw UserError.badInput("There is no checkpoint of step " + step + " in " + folders.root() + ", only of "
                    + steps + ".", "Name one of these steps.");
        }
        Optional<String> refusal = Marker.refusal(folders.of(step), step);
        if (refusal.isPresent()) {
            throw UserError.badInput("Checkpoint " + folders.of(step) + " is refused: " + refusal.get() + ".",
                    "Use another of the steps " + steps + ".");
        }
        return new Checkpoint(step, folders.of(step));
    }

    /** The steps there are checkpoints of, ascending, whole or not. */
    public List<Long> steps() {
        return folders.steps();
    }

    /** Names the checkpoint of a step the best so far, with its loss: it is kept, however old, until another is. */
    public void markBest(long step, double loss) {
        try {
            Json.write(folders.root().resolve(BEST), new Best(step, loss));
        } catch (IOException e) {
            throw unwritable(step, e);
        }
    }

    /** The loss of the best checkpoint; nothing when none was named. */
    public OptionalDouble bestLoss() {
        Optional<Best> best = bestMark();
        return best.isPresent() ? OptionalDouble.of(best.get().loss) : OptionalDouble.empty();
    }

    /** The best checkpoint, when one was named and is whole; {@code warn} is told when it is not. */
    public Optional<Checkpoint> best(Consumer<String> warn) {
        Optional<Best> best = bestMark();
        if (best.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(at(best.get().step));
        } catch (UserError e) {
            warn.accept(e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * Makes a step the end of the run's history, for a run that continues from there: deletes what a crash left
     * behind and the checkpoints of later steps, which would otherwise be taken for this run's newest.
     */
    public void continueFrom(long step) {
        try {
            folders.recover();
            for (long later : folders.steps()) {
                if (later > step) {
                    StepFolders.delete(folders.of(later));
                }
            }
            if (bestMark().filter(best -> best.step > step).isPresent()) {
                Files.delete(folders.root().resolve(BEST));
            }
        } catch (IOException e) {
            throw undeletable(e);
        }
    }

    private static void writeAll(Path folder, long step, Map<String, FileWriter> files) throws IOException {
        TreeMap<String, Marker.StoredFile> stored = new TreeMap<>();
        try (ExecutorService hasher = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("checkpoint-hash").factory())) {
            for (Map.Entry<String, FileWriter> file : files.entrySet()) {
                try (FileChannel channel = FileChannel.open(folder.resolve(file.getKey()),
                        StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                    HashingChannel hashing = new HashingChannel(channel, hasher);
                    file.getValue().write(hashing);
                    stored.put(file.getKey(), hashing.finish());
                    channel.force(true);
                }
            }
        }
        AtomicFiles.writeString(folder.resolve(Marker.NAME), new Marker(Marker.FORMAT, step, stored).toJson());
    }

    private void prune(long newest) {
        Optional<Best> best = bestMark();
        List<Long> steps = folders.steps().stream().filter(step -> step <= newest).toList();
        int kept = 0;
        try {
            for (long step : steps.reversed()) {
                boolean keep = kept < keepLast || best.isPresent() && best.get().step == step;
                if (!keep) {
                    StepFolders.delete(folders.of(step));
                } else if (Files.exists(folders.of(step).resolve(Marker.NAME))) {
                    kept++;
                }
            }
        } catch (IOException e) {
            throw undeletable(e);
        }
    }

    /** The step with the lowest loss, and that loss in nats a token. */
    private record Best(long step, double loss) {
    }

    /** What was marked; nothing when it was not, or the mark is damaged. */
    private Optional<Best> bestMark() {
        try {
            return Optional.ofNullable(Json.MAPPER.readValue(Files.readAllBytes(folders.root().resolve(BEST)), Best.class));
        } catch (NoSuchFileException | JsonProcessingException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw UserError.machine(folders.root().resolve(BEST) + " could not be read: " + IoReasons.of(e) + ".",
                    "Make the folder readable.", e);
        }
    }

    private UserError unwritable(long step, IOException e) {
        return UserError.machine("The checkpoint of step " + step + " could not be written to " + folders.root() + ": "
                + IoReasons.of(e) + ".", "Free space there or choose another folder; earlier checkpoints are untouched.", e);
    }

    private UserError undeletable(IOException e) {
        return UserError.machine("Old checkpoints in " + folders.root() + " could not be deleted: " + IoReasons.of(e)
                + ".", "Make the folder and what it holds writable.", e);
    }

    private static void requireFileName(String name) {
        if (name.isEmpty() || name.startsWith(".") || name.contains("/") || name.contains("\\")
                || name.equals(Marker.NAME)) {
            throw new IllegalArgumentException("expected a plain file name, found " + name);
        }
    }
}
