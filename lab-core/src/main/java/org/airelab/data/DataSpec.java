package org.airelab.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.airelab.base.UserError;
import org.airelab.data.source.Documents;
import org.airelab.data.source.SyntheticDocuments;
import org.airelab.data.source.TextDocuments;
import org.airelab.data.source.TinyStories;

/**
 * Which data is meant, as written on a command line: {@code tinystories}, {@code text:PATH} or {@code
 * synthetic[:stories=N,seed=S]}. {@link #toString()} is that text again.
 */
public sealed interface DataSpec {
    /** The documents, fetched first if need be. */
    Documents documents(Path cacheFolder) throws IOException;

    /** The documents the data's authors set apart for validation. */
    default Optional<Documents> validation(Path cacheFolder) throws IOException {
        return Optional.empty();
    }

    /** The part before the colon. */
    String kind();

    /** The same data, named so that it is found from any working folder. */
    default DataSpec absolute() {
        return this;
    }

    /**
     * Reads a specification.
     *
     * @throws UserError saying what is allowed
     */
    static DataSpec parse(String text) {
        if (text.equals("tinystories")) {
            return new DownloadedTinyStories();
        }
        if (text.startsWith("text:") && text.length() > "text:".length()) {
            return new Text(Path.of(text.substring("text:".length())));
        }
        if (text.equals("synthetic")) {
            return new Synthetic(Synthetic.DEFAULT_STORIES, 0);
        }
        if (text.startsWith("synthetic:")) {
            return Synthetic.parse(text);
        }
        throw notASpec(text, "it is none of the three forms");
    }

    private static UserError notASpec(String text, String why) {
        return UserError.badInput("'" + text + "' names no data: " + why,
                "Use tinystories, text:PATH (a text file or a folder of *.txt), or synthetic[:stories=N,seed=S].");
    }

    /** {@code tinystories}. */
    record DownloadedTinyStories() implements DataSpec {
        @Override
        public Documents documents(Path cacheFolder) throws IOException {
            return TinyStories.training(cacheFolder);
        }

        @Override
        public Optional<Documents> validation(Path cacheFolder) throws IOException {
            return Optional.of(TinyStories.validation(cacheFolder));
        }

        @Override
        public String kind() {
            return "tinystories";
        }

        @Override
        public String toString() {
            return kind();
        }
    }

    /** {@code text:PATH}. */
    record Text(Path path) implements DataSpec {
        @Override
        public Documents documents(Path cacheFolder) throws IOException {
            return new TextDocuments(path);
        }

        @Override
        public String kind() {
            return "text";
        }

        @Override
        public DataSpec absolute() {
            return new Text(path.toAbsolutePath());
        }

        @Override
        public String toString() {
            return kind() + ":" + path;
        }
    }

    /**
     * {@code synthetic[:stories=N,seed=S]}.
     *
     * @param stories how many of the endless sequence, at least 2
     * @param seed    which sequence
     */
    record Synthetic(long stories, long seed) implements DataSpec {
        /** About three million tokens of a vocabulary of 512. */
        public static final long DEFAULT_STORIES = 20_000;

        private static Synthetic parse(String text) {
            String[] options = text.substring("synthetic:".length()).split(",", -1);
            long stories = DEFAULT_STORIES;
            long seed = 0;
            for (String option : options) {
                String[] pair = option.split("=", 2);
                long value = number(text, option, pair.length < 2 ? "" : pair[1]);
                switch (pair[0]) {
                    case "stories" -> stories = value;
                    case "seed" -> seed = value;
                    default -> throw notASpec(text, "synthetic has no option '" + pair[0] + "', only stories and seed");
                }
            }
            if (stories < 2) {
                throw notASpec(text, String.format(Locale.ROOT, "stories=%d is below 2", stories));
            }
            return new Synthetic(stories, seed);
        }

        private static long number(String text, String option, String digits) {
            try {
                return Long.parseLong(digits);
            } catch (NumberFormatException e) {
                throw notASpec(text, "'" + option + "' is not of the form NAME=INTEGER");
            }
        }

        @Override
        public Documents documents(Path cacheFolder) {
            return new SyntheticDocuments(stories, seed);
        }

        @Override
        public String kind() {
            return "synthetic";
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "synthetic:stories=%d,seed=%d", stories, seed);
        }
    }
}
