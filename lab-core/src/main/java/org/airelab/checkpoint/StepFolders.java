package org.airelab.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.airelab.base.AtomicFiles;
import org.airelab.base.IoReasons;
import org.airelab.base.Trees;
import org.airelab.base.UserError;

/** The folders of a store: one a step, and hidden ones while a step is being written or replaced. */
record StepFolders(Path root) {
    private static final Pattern STEP = Pattern.compile("step-(\\d{8,18})");
    private static final Pattern LEFT_OVER =
            Pattern.compile("\\.(step-\\d{8,18})\\.(tmp|replaced)|\\..+\\.json\\.\\d+\\.tmp");

    /** Where a step's checkpoint is or would be. */
    Path of(long step) {
        return root.resolve(name(step));
    }

    /** Where a step is written before it is whole. */
    Path temporary(long step) {
        return root.resolve("." + name(step) + ".tmp");
    }

    /** Creates an empty temporary folder, and the root before it where there is none. */
    void create(Path temporary) throws IOException {
        if (!Files.isDirectory(root)) {
            Files.createDirectories(root);
            AtomicFiles.forceFolder(root.toAbsolutePath().getParent());
        }
        Files.createDirectory(temporary);
    }

    /** The steps that have a folder, ascending. */
    List<Long> steps() {
        try (Stream<Path> entries = Files.list(root)) {
            return entries.filter(Files::isDirectory).map(entry -> STEP.matcher(entry.getFileName().toString()))
                    .filter(Matcher::matches).map(name -> Long.parseLong(name.group(1)))
                    .filter(step -> Files.isDirectory(of(step))).sorted().distinct().toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (NotDirectoryException e) {
            throw UserError.badInput(root + " is a file and should be a folder of checkpoints.",
                    "Move it away or choose another run.", e);
        } catch (IOException e) {
            throw UserError.machine(root + " could not be listed: " + IoReasons.of(e) + ".",
                    "Make the folder readable.", e);
        }
    }

    /**
     * Renames a finished temporary folder to its step's name. An earlier checkpoint of that step steps aside first
     * and is deleted after; {@link #recover} puts it back when a crash comes between.
     */
    Path commit(Path temporary, long step) throws IOException {
        Path target = of(step);
        Path replaced = root.resolve("." + name(step) + ".replaced");
        AtomicFiles.forceFolder(temporary);
        if (Files.exists(target)) {
            Files.move(target, replaced, StandardCopyOption.ATOMIC_MOVE);
        }
        try {
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            recover();
            throw e;
        }
        AtomicFiles.forceFolder(root);
        deleteQuietly(replaced);
        return target;
    }

    /** Deletes what a crash left half-written and puts back what it left half-replaced. */
    void recover() throws IOException {
        if (!Files.isDirectory(root)) {
            return;
        }
        List<Path> entries;
        try (Stream<Path> list = Files.list(root)) {
            entries = list.toList();
        }
        for (Path entry : entries) {
            Matcher name = LEFT_OVER.matcher(entry.getFileName().toString());
            if (name.matches()) {
                boolean stepsAside = "replaced".equals(name.group(2));
                if (stepsAside && !Files.exists(root.resolve(name.group(1)))) {
                    Files.move(entry, root.resolve(name.group(1)), StandardCopyOption.ATOMIC_MOVE);
                } else {
                    delete(entry);
                }
            }
        }
    }

    /**
     * Deletes a folder with all it holds. A checkpoint loses its marker first: what a crash leaves of it is then
     * refused for the right reason.
     */
    static void delete(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            Files.deleteIfExists(folder.resolve(Marker.NAME));
        }
        Trees.delete(folder);
    }

    /** Deletes a folder where a failure to do so must not hide the failure that led here: the next save tries again. */
    static void deleteQuietly(Path folder) {
        try {
            delete(folder);
        } catch (IOException | UncheckedIOException e) {
            // Left for recover().
        }
    }

    private static String name(long step) {
        if (step < 0) {
            throw new IllegalArgumentException("expected a step of 0 or more, found " + step);
        }
        return String.format(Locale.ROOT, "step-%08d", step);
    }
}
