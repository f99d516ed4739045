package org.airelab.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Hashes;
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
        try (Draft draft = begin(step)) {
            draft.writeAll(files);
            return draft.commit();
        }
    }

    /**
     * Begins a checkpoint whose files several processes write, into {@link Draft#folder}. Only when the draft is
     * committed is it a checkpoint; what a crash leaves of it is deleted by the next.
     *
     * @throws UserError (machine) as {@link #save}
     */
    public Draft begin(long step) {
        try {
            folders.recover();
            folders.create(folders.temporary(step));
            return new Draft(step);
        } catch (IOException e) {
            throw unwritable(step, e);
        }
    }

    /** Where the files of a checkpoint are written that another process has begun. */
    public Path draftFolder(long step) {
        return folders.temporary(step);
    }

    /** A checkpoint that is not whole yet; closing it forgets it, unless it was committed. */
    public final class Draft implements AutoCloseable {
        private final long step;
        private final TreeMap<String, Marker.StoredFile> stored = new TreeMap<>();

        private Draft(long step) {
            this.step = step;
        }

        /** Its folder for now. */
        public Path folder() {
            return folders.temporary(step);
        }

        /**
         * Writes files of this process's own.
         *
         * @throws UserError (machine) as {@link CheckpointStore#save}
         */
        public void writeAll(Map<String, FileWriter> files) {
            try {
                stored.putAll(HashedFiles.write(folder(), files));
            } catch (UncheckedIOException e) {
                throw unwritable(step, e.getCause());
            } catch (IOException e) {
                throw unwritable(step, e);
            }
        }

        /**
         * Makes it a checkpoint, of all files that are in its folder, and deletes those too old to keep. Whoever wrote
         * them has forced them to the disk.
         *
         * @throws UserError (machine) as {@link CheckpointStore#save}
         */
        public Checkpoint commit() {
            try {
                try (Stream<Path> files = Files.list(folder())) {
                    for (Path file : files.filter(f -> !stored.containsKey(f.getFileName().toString())).toList()) {
                        stored.put(file.getFileName().toString(),
                                new Marker.StoredFile(Files.size(file), Hashes.sha256(file)));
                    }
                }
                AtomicFiles.writeString(folder().resolve(Marker.NAME),
                        new Marker(Marker.FORMAT, step, stored).toJson());
                Path folder = folders.commit(folder(), step);
                prune(step);
                return new Checkpoint(step, folder);
            } catch (IOException e) {
                throw unwritable(step, e);
            }
        }

        @Override
        public void close() {
            StepFolders.deleteQuietly(folder());
        }
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

    /** The checkpoint of a step that {@link #latest} has found whole, here or in another process of the run. */
    public Checkpoint begun(long step) {
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
            byte[] mark = Files.readAllBytes(folders.root().resolve(BEST));
            return Optional.ofNullable(Json.MAPPER.readValue(mark, Best.class));
        } catch (NoSuchFileException | JsonProcessingException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw UserError.machine(folders.root().resolve(BEST) + " could not be read: " + IoReasons.of(e) + ".",
                    "Make the folder readable.", e);
        }
    }

    private UserError unwritable(long step, IOException e) {
        return UserError.machine("The checkpoint of step " + step + " could not be written to " + folders.root() + ": "
                + IoReasons.of(e) + ".",
                "Free space there or choose another folder; earlier checkpoints are untouched.", e);
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
