package org.airelab.data.source;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.List;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.airelab.base.Hashes;
import org.airelab.base.UserError;

/**
 * Documents in UTF-8 text files: one file, or all files named {@code *.txt} in a folder and the folders below it, by
 * their relative paths in code-point order; symbolic links are followed. Documents end at
 * {@value DocumentReader#SEPARATOR}; white space around them is dropped, and empty ones are skipped. A file without the
 * separator is one document if it is no longer than 16 KiB; a longer one is cut into documents of up to 16 KiB at blank
 * lines (where there are none: at line ends, then at spaces), so that a single long text can be split into training and
 * validation documents.
 */
public final class TextDocuments implements Documents {
    private final Path root;
    private final List<Path> files;

    /**
     * Finds the files.
     *
     * @throws UserError if the path is missing or unreadable, or a folder without {@code *.txt} files, or with a link
     *                   to a folder above it
     */
    public TextDocuments(Path root) throws IOException {
        this.root = root;
        if (!Files.exists(root)) {
            throw UserError.badInput("there is no file or folder " + root,
                    "Give the path of a UTF-8 text file, or of a folder that holds *.txt files.");
        }
        files = Files.isDirectory(root) ? textFiles(root) : List.of(root);
        for (Path file : files) {
            if (!Files.isReadable(file)) {
                throw UserError.badInput("the file " + file + " cannot be read", "Check its permissions.");
            }
        }
        if (bytes() == 0) {
            throw UserError.badInput("there is no text in " + root + ": "
                    + (files.isEmpty() ? "the folder holds no *.txt files" : "0 bytes in all"),
                    "Give a UTF-8 text file, or a folder that holds *.txt files.");
        }
    }

    private static List<Path> textFiles(Path folder) throws IOException {
        try (Stream<Path> found = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
            return found.filter(file -> file.getFileName().toString().endsWith(".txt") && Files.isRegularFile(file))
                    .sorted(Comparator.comparing(file -> relative(folder, file))).toList();
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof AccessDeniedException denied) {
                throw UserError.badInput("the folder " + denied.getFile() + " cannot be read",
                        "Check its permissions.", e);
            }
            if (e.getCause() instanceof FileSystemLoopException loop) {
                throw UserError.badInput("the folder " + folder + " has no end: " + loop.getFile()
                        + " is a link to a folder that it is in", "Remove this link.", e);
            }
            throw e.getCause();
        }
    }

    private static String relative(Path folder, Path file) {
        return folder.relativize(file).toString().replace('\\', '/');
    }

    @Override
    public Stream<String> stream() {
        DocumentReader reader = new DocumentReader(files);
        if (!reader.hasNext()) {
            reader.close();
            throw UserError.badInput("there is no text in " + root + ": nothing but white space and separators",
                    "Give a file with text in it.");
        }
        int order = Spliterator.ORDERED | Spliterator.NONNULL;
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(reader, order), false).onClose(reader::close);
    }

    @Override
    public String hash() throws IOException {
        if (!Files.isDirectory(root)) {
            return Hashes.sha256(root);
        }
        MessageDigest digest = Hashes.sha256();
        for (Path file : files) {
            digest.update((relative(root, file) + "\0" + Hashes.sha256(file) + "\n").getBytes(StandardCharsets.UTF_8));
        }
        return Hashes.hex(digest);
    }

    @Override
    public long bytes() throws IOException {
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        return bytes;
    }
}
