package org.airelab.benchmarks.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.airelab.tokenizer.Tokenizer;

/** The files the benchmarks read. */
final class BenchmarkTexts {
    private final Path folder;

    /** @param data the folder, relative to the working directory or to one of those above it */
    BenchmarkTexts(String data) {
        Path found = null;
        for (Path at = Path.of("").toAbsolutePath(); at != null && found == null; at = at.getParent()) {
            found = Files.isDirectory(at.resolve(data)) ? at.resolve(data).normalize() : null;
        }
        if (found == null) {
            throw new IllegalStateException("no folder " + data + " here or above; name it with -p data=FOLDER");
        }
        folder = found;
    }

    /** 0.85 MB of TinyStories. */
    Path stories() {
        return folder.resolve("tinystories-train.txt");
    }

    Tokenizer gpt2() throws IOException {
        return Tokenizer.load(folder.resolve("gpt2-vocab.json"), folder.resolve("gpt2-merges.txt"),
                List.of(Tokenizer.END_OF_TEXT));
    }
}
