package org.airelab.data.source;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import org.airelab.base.UserError;

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
        URI uri = address(mirror == null || mirror.isBlank() ? "https://huggingface.co" : mirror.strip(), name);
        Path target = cacheFolder.resolve("downloads").resolve("tinystories").resolve(name);
        new Download(uri, target).run();
        return new TextDocuments(target);
    }

    /** Where a server has a file of the stories. */
    static URI address(String endpoint, String name) {
        try {
            URI uri = new URI(endpoint.replaceAll("/+$", "") + DATASET + name);
            if (uri.getHost() != null && uri.getScheme().matches("(?i)https?")) {
                return uri;
            }
        } catch (URISyntaxException e) {
            // Said below.
        }
        throw UserError.badInput("HF_ENDPOINT is '" + endpoint + "', which is no address of a server",
                "Set it to one such as https://huggingface.co, with its scheme, or unset it.");
    }
}
