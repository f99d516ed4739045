package org.airelab.tracking;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.airelab.base.IoReasons;
import org.airelab.base.Trees;
import org.airelab.base.UserError;

/**
 * A run's folder, held by one process at a time.
 *
 * <pre>
 * config.yaml      the resolved configuration
 * manifest.json    how the run was made ({@link RunManifest}); its presence makes a folder a run
 * metrics.jsonl    one JSON object a line ({@link MetricsWriter})
 * tensorboard/     event files ({@link TensorBoardWriter})
 * summary.json     the result ({@link RunSummary})
 * loss.png         its picture ({@link LossPlot})
 * tokenizer.json   the tokenizer the run used
 * samples/         generated text
 * checkpoints/     the state to continue from
 * </pre>
 */
public final class RunDirectory implements AutoCloseable {
    private static final String LOCK = ".lock";
    private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);
    /** What a run owns in its folder, and what starting over deletes; other files there are the user's. */
    private static final List<String> OWNED = List.of("summary.json", "loss.png", "samples", "tensorboard",
            "checkpoints", "metrics.jsonl", "config.yaml", "tokenizer.json", "manifest.json");
    /** Folders this process holds: closing a second channel to a lock file would give up the first one's lock. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    /** What to do with a folder that is there already. */
    public enum Existing {
        /** Refuse one that holds anything. */
        REFUSE,
        /** Continue the run in it; refuse one without a run. */
        RESUME,
        /** Delete the run in it and start over; refuse one that holds other things and no run. */
        OVERWRITE
    }

    private final Path root;
    private final Path key;
    private final FileChannel lockFile;

    private RunDirectory(Path root, Path key, FileChannel lockFile) {
        this.root = root;
        this.key = key;
        this.lockFile = lockFile;
    }

    /**
     * Creates {@code <runs>/<name>-<timestamp>} and holds it.
     *
     * @param runs the folder of all runs, created when it is not there
     * @throws UserError (machine) when it cannot be created
     */
    public static RunDirectory create(Path runs, String name) {
        String base = name + "-" + TIMESTAMP.format(LocalDateTime.now());
        try {
            Files.createDirectories(runs);
            for (int again = 1;; again++) {
                Path folder = runs.resolve(again == 1 ? base : base + "-" + again);
                try {
                    return hold(Files.createDirectory(folder));
                } catch (FileAlreadyExistsException e) {
                    // Another run of this name began in the same second.
                    continue;
                }
            }
        } catch (IOException e) {
            throw uncreatable(runs.resolve(base), e);
        }
    }

    /**
     * Opens a folder of the user's choice and holds it.
     *
     * @throws UserError (bad input) when {@code existing} does not allow what is in it, or another process holds it;
     *                   (machine) when it cannot be created or written
     */
    public static RunDirectory open(Path folder, Existing existing) {
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw UserError.badInput(folder + " is a file and a run needs a folder.", "Give --out another folder.");
        }
        if (existing == Existing.RESUME && !isRun(folder)) {
            throw UserError.badInput(folder + " holds no run to resume: it has no manifest.json.",
                    "Give the folder of a run, or leave --resume out to start one.");
        }
        try {
            Files.createDirectories(folder);
            RunDirectory directory = hold(folder);
            try {
                directory.admit(existing);
                return directory;
            } catch (RuntimeException | IOException e) {
                directory.close();
                throw e;
            }
        } catch (IOException e) {
            throw uncreatable(folder, e);
        }
    }

    /** Whether a folder holds a run. */
    public static boolean isRun(Path folder) {
        return Files.isRegularFile(folder.resolve("manifest.json"));
    }

    /** The run's folder. */
    public Path root() {
        return root;
    }

    /** The path of one of its files or folders. */
    public Path file(String name) {
        return root.resolve(name);
    }

    /** Lets other processes write to the run again. The operating system does so, too, when this one dies. */
    @Override
    public void close() {
        try {
            lockFile.close();
        } catch (IOException e) {
            // The lock ends with the process at the latest.
        } finally {
            HELD.remove(key);
        }
    }

    private void admit(Existing existing) throws IOException {
        boolean run = isRun(root);
        if (existing == Existing.REFUSE && run) {
            throw UserError.badInput(root + " holds a run already.",
                    "Continue it with --resume, start over with --overwrite, or give --out another folder.");
        }
        if (!run && existing != Existing.RESUME && !foreign().isEmpty()) {
            throw UserError.badInput(root + " is not empty and holds no run: " + foreign().getFirst() + " is in it.",
                    "Give --out an empty folder or a new one.");
        }
        if (run && existing == Existing.OVERWRITE) {
            for (String name : OWNED) {
                Trees.delete(root.resolve(name));
            }
        }
    }

    private List<String> foreign() throws IOException {
        try (Stream<Path> entries = Files.list(root)) {
            return entries.map(entry -> entry.getFileName().toString()).filter(name -> !name.equals(LOCK)).sorted().toList();
        }
    }

    private static RunDirectory hold(Path folder) throws IOException {
        Path key = folder.toRealPath();
        if (!HELD.add(key)) {
            throw held(folder, "this process");
        }
        FileChannel channel = null;
        try {
            channel = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw held(folder, holder(channel));
            }
            channel.truncate(0).write(StandardCharsets.UTF_8.encode("process " + ProcessHandle.current().pid() + " on "
                    + Hardware.hostName()), 0);
            return new RunDirectory(folder, key, channel);
        } catch (IOException | RuntimeException e) {
            HELD.remove(key);
            if (channel != null) {
                channel.close();
            }
            throw e;
        }
    }

    private static String holder(FileChannel channel) throws IOException {
        ByteBuffer text = ByteBuffer.allocate(200);
        channel.read(text, 0);
        String holder = StandardCharsets.UTF_8.decode(text.flip()).toString().strip();
        return holder.isEmpty() ? "another process" : holder;
    }

    private static UserError held(Path folder, String holder) {
        return UserError.badInput(folder + " is being written by " + holder + ".",
                "Wait until that run has ended, or give --out another folder.");
    }

    private static UserError uncreatable(Path folder, IOException e) {
        return UserError.machine("The run's folder " + folder + " could not be created or written: " + IoReasons.of(e)
                + ".", "Give --out a folder on a disk that can be written.", e);
    }
}
