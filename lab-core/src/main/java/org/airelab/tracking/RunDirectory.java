package org.airelab.tracking;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.airelab.base.AtomicFiles;
import org.airelab.base.IoReasons;
import org.airelab.base.Trees;
import org.airelab.base.UserError;

/**
 * A run's folder, held by one process at a time. A folder that holds no run when it is closed is left as it was found.
 *
 * <pre>
 * config.yaml      the resolved configuration
 * model.yaml       the model's part of it
 * tokenizer.json   the tokenizer the run uses
 * manifest.json    how the run was made ({@link RunManifest}); its presence makes a folder a run
 * metrics.jsonl    one JSON object a line ({@link MetricsWriter})
 * tensorboard/     event files ({@link TensorBoardWriter})
 * summary.json     the result ({@link RunSummary})
 * loss.png         its picture ({@link LossPlot})
 * samples/         generated text
 * rank-1.log ...   what the other ranks of a run have printed
 * checkpoints/     the state to continue from
 * </pre>
 */
public final class RunDirectory implements AutoCloseable {
    /** The file that makes a folder a run: {@link RunManifest}. */
    public static final String MANIFEST = "manifest.json";
    private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);
    /** What is written before the manifest: all that a start can leave that was cut off before the folder was a run. */
    private static final List<String> BEGINNINGS = List.of("config.yaml", "model.yaml", "tokenizer.json");
    /** What a run owns beside these, the manifest last; other files in its folder are the user's. */
    private static final List<String> RESULTS = List.of("summary.json", "loss.png", "samples", "tensorboard",
            "checkpoints", "metrics.jsonl");
    private static final Pattern RANK_LOG = Pattern.compile("rank-\\d+\\.log");
    /** What {@link org.airelab.base.AtomicFiles} leaves when its process is killed: see {@code Temporaries.beside}. */
    private static final Pattern TEMPORARY = Pattern.compile("\\..+\\.\\d+\\.tmp");

    /** What to do with a folder that is there already. */
    public enum Existing {
        /** Refuse one that holds anything. */
        REFUSE,
        /** Continue the run in it; refuse one without a run. */
        RESUME,
        /** Take one that holds a run, for {@link RunDirectory#clear}; refuse one that holds other things and no run. */
        OVERWRITE
    }

    private final Path root;
    private final RunLock lock;
    private final List<Path> created;

    private RunDirectory(Path root, RunLock lock, List<Path> created) {
        this.root = root;
        this.lock = lock;
        this.created = created;
    }

    /**
     * Creates {@code <runs>/<name>-<timestamp>} and holds it.
     *
     * @param runs the folder of all runs, created when it is not there
     * @throws UserError (machine) when it cannot be created
     */
    public static RunDirectory create(Path runs, String name) {
        List<Path> missing = missing(runs);
        Path folder = unused(runs, name);
        try {
            AtomicFiles.createFolders(runs);
            while (true) {
                try {
                    Files.createDirectory(folder);
                } catch (FileAlreadyExistsException e) {
                    // Another run of this name has just begun.
                    folder = unused(runs, name);
                    continue;
                }
                missing.addFirst(folder);
                return new RunDirectory(folder, RunLock.take(folder), missing);
            }
        } catch (IOException | RuntimeException e) {
            deleteEmpty(missing);
            throw e instanceof IOException io ? uncreatable(folder, io) : (RuntimeException) e;
        }
    }

    /** {@code <runs>/<name>-<timestamp>}, with a number behind it where that is taken. Nothing is created. */
    public static Path unused(Path runs, String name) {
        String base = name + "-" + TIMESTAMP.format(LocalDateTime.now());
        Path folder = runs.resolve(base);
        for (int again = 2; Files.exists(folder, LinkOption.NOFOLLOW_LINKS); again++) {
            folder = runs.resolve(base + "-" + again);
        }
        return folder;
    }

    /**
     * Opens a folder of the user's choice and holds it. Nothing in it is changed, but temporary files of processes that
     * were killed are deleted.
     *
     * @throws UserError (bad input) when {@code existing} does not allow what is in it, or another process holds it;
     *                   (machine) when it cannot be created or written
     */
    public static RunDirectory open(Path folder, Existing existing) {
        List<Path> missing = missing(folder);
        try {
            // Before the lock too: a folder that is refused must not get a file from us.
            admit(folder, existing);
            AtomicFiles.createFolders(folder);
            RunLock lock = RunLock.take(folder);
            try {
                admit(folder, existing);
                deleteTemporaries(folder);
                return new RunDirectory(folder, lock, missing);
            } catch (RuntimeException | IOException e) {
                lock.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            deleteEmpty(missing);
            throw e instanceof IOException io ? uncreatable(folder, io) : (RuntimeException) e;
        }
    }

    /** Whether a folder holds a run. */
    public static boolean isRun(Path folder) {
        return Files.isRegularFile(folder.resolve(MANIFEST));
    }

    /** The run's folder. */
    public Path root() {
        return root;
    }

    /** The path of one of its files or folders. */
    public Path file(String name) {
        return root.resolve(name);
    }

    /**
     * Deletes the run in the folder, or what a start left that was cut off; the user's own files stay.
     *
     * @throws UserError (machine) when that cannot be done
     */
    public void clear() {
        try {
            for (String name : RESULTS) {
                Trees.delete(root.resolve(name));
            }
            for (String name : names(root, name -> RANK_LOG.matcher(name).matches())) {
                Files.deleteIfExists(root.resolve(name));
            }
            clearBeginnings();
            // The last one: what is left of a run when this is cut off is still known for a run.
            Files.deleteIfExists(root.resolve(MANIFEST));
        } catch (IOException e) {
            throw UserError.machine("The run in " + root + " could not be deleted: " + IoReasons.of(e) + ".",
                    "Give --out another folder.", e);
        }
    }

    /** Lets other processes write to the folder again. When it holds no run, nothing of ours stays in it. */
    @Override
    public void close() {
        try {
            if (!isRun(root)) {
                clearBeginnings();
                lock.delete();
            }
        } catch (IOException e) {
            // The next start takes what is left for what it is: the lock is among it.
        } finally {
            lock.close();
        }
        deleteEmpty(created);
    }

    private void clearBeginnings() throws IOException {
        for (String name : BEGINNINGS) {
            Files.deleteIfExists(root.resolve(name));
        }
        deleteTemporaries(root);
    }

    private static void deleteTemporaries(Path folder) throws IOException {
        for (String name : names(folder, name -> TEMPORARY.matcher(name).matches())) {
            Files.deleteIfExists(folder.resolve(name));
        }
    }

    private static void admit(Path folder, Existing existing) throws IOException {
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw UserError.badInput(folder + " is a file and a run needs a folder.", "Give --out another folder.");
        }
        boolean run = isRun(folder);
        if (!run && existing == Existing.RESUME) {
            throw UserError.badInput(folder + " holds no run to resume: it has no " + MANIFEST + ".",
                    "Give the folder of a run, or leave --resume out to start one.");
        }
        if (run && existing == Existing.REFUSE) {
            throw UserError.badInput(folder + " holds a run already.",
                    "Continue it with --resume, start over with --overwrite, or give --out another folder.");
        }
        if (!run && !foreign(folder).isEmpty()) {
            throw UserError.badInput(folder + " is not empty and holds no run: " + foreign(folder).getFirst()
                    + " is in it.", "Give --out an empty folder or a new one.");
        }
    }

    /** What no start of ours can have left: it locks the folder first, so without the lock all is foreign. */
    private static List<String> foreign(Path folder) throws IOException {
        boolean begun = Files.exists(folder.resolve(RunLock.NAME));
        return names(folder, name -> !begun || !name.equals(RunLock.NAME) && !BEGINNINGS.contains(name)
                && !TEMPORARY.matcher(name).matches());
    }

    private static List<String> names(Path folder, Predicate<String> wanted) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(entry -> entry.getFileName().toString()).filter(wanted).sorted().toList();
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** A folder and those above it that are not there, innermost first. */
    private static List<Path> missing(Path folder) {
        List<Path> missing = new ArrayList<>();
        for (Path path = folder.toAbsolutePath(); path != null && !Files.exists(path, LinkOption.NOFOLLOW_LINKS);
                path = path.getParent()) {
            missing.add(path);
        }
        return missing;
    }

    /** Deletes folders that are still, or again, empty, innermost first. */
    private static void deleteEmpty(List<Path> folders) {
        try {
            for (Path folder : folders) {
                Files.deleteIfExists(folder);
            }
        } catch (DirectoryNotEmptyException e) {
            // A run is in it, or another process has put something there.
        } catch (IOException e) {
            // An empty folder does no harm.
        }
    }

    private static UserError uncreatable(Path folder, IOException e) {
        return UserError.machine("The run's folder " + folder + " could not be created or written: " + IoReasons.of(e)
                + ".", "Give --out a folder on a disk that can be written.", e);
    }
}
