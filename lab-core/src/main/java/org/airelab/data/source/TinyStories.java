package org.airelab.data.source;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;

/**
 * TinyStories (Eldan and Li, "TinyStories: How Small Can Language Models Be and Still Speak Coherent English?", 2023,
 * arXiv:2305.07759), the version written by GPT-4 alone: 2.2 GB of training stories and 22 MB of validation stories,
 * under the licence CDLA-Sharing-1.0. Downloaded on first use from the authors' page on Hugging Face, or from the
 * mirror that the environment variable {@code HF_ENDPOINT} names.
 */
public final class TinyStories {
    private static final String DATASET = "/datasets/roneneldan/TinyStories/resolve/main/";

    private TinyStories() {
    }

    /** The stories to learn from. */
    public static Documents training(Path cacheFolder) throws IOException {
        return file(cacheFolder, "TinyStoriesV2-GPT4-train.txt");
    }

    /** The stories to validate on. */
    public static Documents validation(Path cacheFolder) throws IOException {
        return file(cacheFolder, "TinyStoriesV2-GPT4-valid.txt");
    }

    private static Documents file(Path cacheFolder, String name) throws IOException {
        String mirror = System.getenv("HF_ENDPOINT");
        String endpoint = mirror == null || mirror.isBlank() ? "https://huggingface.co" : mirror.strip();
        Path target = cacheFolder.resolve("downloads").resolve("tinystories").resolve(name);
        new Download(URI.create(endpoint.replaceAll("/+$", "") + DATASET + name), target).run();
        return new TextDocuments(target);
    }
}
