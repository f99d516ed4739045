package org.airelab.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.airelab.base.UserError;

/** Files named on the command line. */
final class InputFiles {
    private InputFiles() {
    }

    /** Refuses a path that cannot be read, before long work has begun. */
    static void requireReadable(Path file) {
        if (Files.notExists(file)) {
            throw UserError.badInput("no such file: " + file, "Check the path.");
        }
        if (Files.isDirectory(file)) {
            throw UserError.badInput(file + " is a folder, not a file", "Name the files in it.");
        }
        if (!Files.isReadable(file)) {
            throw UserError.badInput("permission denied: " + file, "Check the permissions of this file.");
        }
    }

    /** A file, or standard input when there is none. */
    static InputStream open(Path fileOrNull) throws IOException {
        if (fileOrNull == null) {
            return System.in;
        }
        requireReadable(fileOrNull);
        return Files.newInputStream(fileOrNull);
    }

    /** The tokenizer in a file. */
    static Tokenizer tokenizer(Path file) throws IOException {
        requireReadable(file);
        return Tokenizer.load(file);
    }
}
