package org.airelab.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;
import org.airelab.base.AtomicFiles;
import org.airelab.base.FileLocks;
import org.airelab.base.IoReasons;
import org.airelab.base.UserError;

/**
 * A folder that is filled once, by one process, and appears complete: it is built beside its place and moved there.
 *
 * @param path where it belongs
 * @param key  of the only data it may hold
 */
record PreparedFolder(Path path, String key) {
    /** Fills a folder. */
    @FunctionalInterface
    interface Builder {
        void build(Path folder) throws IOException;
    }

    PreparedFolder {
        path = path.toAbsolutePath().normalize();
    }

    /** The data in the folder, built now if it is not there yet. */
    PreparedData findOrBuild(Builder builder) throws IOException {
        Optional<PreparedData> found = find();
        if (found.isPresent()) {
            return found.get();
        }
        requireWritable();
        return FileLocks.holding(path.resolveSibling("." + path.getFileName() + ".lock"), () -> {
            Optional<PreparedData> builtMeanwhile = find();
            return builtMeanwhile.isPresent() ? builtMeanwhile.get() : build(builder);
        });
    }

    /** This data, if the folder holds it to the byte; refuses a folder that holds anything else. */
    private Optional<PreparedData> find() throws IOException {
        if (!Files.exists(path)) {
            return Optional.empty();
        }
        if (!Files.isDirectory(path)) {
            throw UserError.badInput(path + " is a file, not a folder", "Choose another folder.");
        }
        if (isEmpty()) {
            return Optional.empty();
        }
        PreparedData found = PreparedData.open(path);
        if (!found.manifest().key().equals(key)) {
            throw UserError.badInput("the folder " + path + " holds other data (" + found.manifest().spec() + ", "
                    + found.manifest().vocabularySize() + " tokens in the vocabulary)",
                    "Choose another folder, or delete this one.");
        }
        Optional<String> damage = DatasetVerification.damage(path);
        if (damage.isPresent()) {
            throw UserError.badInput(damage.get(), DatasetVerification.advice(path));
        }
        return Optional.of(found);
    }

    private boolean isEmpty() throws IOException {
        try (Stream<Path> content = Files.list(path)) {
            return content.findAny().isEmpty();
        }
    }

    private void requireWritable() {
        try {
            Files.createDirectories(path.getParent());
            Files.delete(Files.createTempFile(path.getParent(), ".writable", null));
        } catch (IOException e) {
            throw UserError.machine("cannot write in the folder " + path.getParent() + " (" + IoReasons.of(e) + ")",
                    "Choose another folder with --out, or another cache with XDG_CACHE_HOME.", e);
        }
    }

    private PreparedData build(Builder builder) throws IOException {
        Path temporary = path.resolveSibling("." + path.getFileName() + ".tmp");
        try {
            // What a process that died left.
            delete(temporary);
            Files.createDirectory(temporary);
            builder.build(temporary);
            Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
            AtomicFiles.forceFolder(path.getParent());
        } finally {
            delete(temporary);
        }
        return PreparedData.open(path);
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> content = Files.walk(folder)) {
            for (Path path : content.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
