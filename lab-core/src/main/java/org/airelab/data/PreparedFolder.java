package org.airelab.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.stream.Stream;
import org.airelab.base.AtomicFiles;
import org.airelab.base.AtomicFolders;
import org.airelab.base.FileLocks;
import org.airelab.base.IoReasons;
import org.airelab.base.Links;
import org.airelab.base.Temporaries;
import org.airelab.base.Trees;
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

    /** A folder, by its place where the path is a symbolic link. */
    static PreparedFolder at(Path path, String key) throws IOException {
        return new PreparedFolder(Links.follow(path), key);
    }

    /**
     * Refuses, before any work, a folder that no data can be prepared in: one that holds other things, one that cannot
     * be written, an empty one that cannot be replaced.
     */
    static void requireUsable(Path folder) throws IOException {
        PreparedFolder place = at(folder, "");
        if (place.isFree()) {
            place.requireWritable();
            AtomicFolders.requireReplaceable(place.path);
        } else {
            DatasetManifest.read(place.path);
        }
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
            if (builtMeanwhile.isPresent()) {
                return builtMeanwhile.get();
            }
            AtomicFolders.requireReplaceable(path);
            return build(builder);
        });
    }

    /** This data, if the folder holds it to the byte; refuses a folder that holds anything else. */
    private Optional<PreparedData> find() throws IOException {
        if (isFree()) {
            return Optional.empty();
        }
        DatasetManifest manifest = DatasetManifest.read(path);
        if (!manifest.key().equals(key)) {
            throw UserError.badInput("the folder " + path + " holds other data (" + manifest.spec() + ", "
                    + manifest.vocabularySize() + " tokens in the vocabulary)",
                    "Choose another folder, or delete this one.");
        }
        Optional<String> damage = DatasetVerification.damage(path);
        if (damage.isPresent()) {
            throw UserError.badInput(damage.get(), DatasetVerification.advice(path));
        }
        return Optional.of(PreparedData.open(path));
    }

    /** Whether nothing is there, or an empty folder. */
    private boolean isFree() throws IOException {
        if (!Files.exists(path)) {
            return true;
        }
        if (!Files.isDirectory(path)) {
            throw UserError.badInput(path + " is a file, not a folder", "Choose another folder.");
        }
        try (Stream<Path> content = Files.list(path)) {
            return content.findAny().isEmpty();
        }
    }

    /** Tries to write in the innermost folder that is there; makes no other. */
    private void requireWritable() throws IOException {
        Path parent = path.getParent();
        while (!Files.exists(parent)) {
            parent = parent.getParent();
        }
        try {
            AtomicFiles.tryFolder(parent);
        } catch (IOException e) {
            throw UserError.machine("cannot write in the folder " + path.getParent() + " (" + IoReasons.of(e) + ")",
                    "Choose another folder with --out, or another cache with XDG_CACHE_HOME.", e);
        }
    }

    private PreparedData build(Builder builder) throws IOException {
        // The name is fixed, so that what a process left that was killed is found here and deleted.
        Path temporary = Temporaries.register(path.resolveSibling("." + path.getFileName() + ".tmp"));
        try {
            Trees.delete(temporary);
            Files.createDirectory(temporary);
            builder.build(temporary);
            Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
            AtomicFiles.forceFolder(path.getParent());
        } finally {
            Temporaries.delete(temporary);
        }
        return PreparedData.open(path);
    }
}
