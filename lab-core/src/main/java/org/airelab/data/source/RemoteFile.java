package org.airelab.data.source;

import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;
import org.airelab.base.Hashes;

/**
 * What a server says of a file before sending it.
 *
 * @param size   bytes, or 0 when not told
 * @param etag   changes when the content does; null when not told
 * @param sha256 of the content; null when not told
 */
record RemoteFile(long size, String etag, String sha256) {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    /**
     * From the answer to a HEAD request. Hugging Face tells a large file's size and SHA-256 in {@code x-linked-size}
     * and {@code x-linked-etag} of a redirection to a store, whose signed address may be good for GET only.
     */
    static RemoteFile of(HttpResponse<?> answer) {
        boolean itself = answer.statusCode() == 200;
        String etag = header(answer, "x-linked-etag").or(() -> itself ? header(answer, "etag") : Optional.empty())
                .filter(tag -> !tag.startsWith("W/")).map(tag -> tag.replace("\"", "")).orElse(null);
        long size = header(answer, "x-linked-size")
                .or(() -> itself ? header(answer, "content-length") : Optional.empty())
                .filter(text -> text.matches("\\d{1,18}")).map(Long::parseLong).orElse(0L);
        return new RemoteFile(size, etag, etag != null && SHA256.matcher(etag).matches() ? etag : null);
    }

    /** Where to ask next: the address of a redirection that tells nothing of the file and stays on its server. */
    static Optional<URI> next(HttpResponse<?> answer) {
        if (answer.statusCode() / 100 != 3 || header(answer, "x-linked-etag").isPresent()
                || header(answer, "x-linked-size").isPresent()) {
            return Optional.empty();
        }
        return header(answer, "location").map(answer.uri()::resolve)
                .filter(location -> answer.uri().getAuthority().equals(location.getAuthority()));
    }

    private static Optional<String> header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name);
    }

    /** Whether what arrived earlier can be told to be a part of this content. */
    boolean resumable() {
        return etag != null;
    }

    /** Parts of different contents get different names. */
    String partSuffix() {
        return etag == null ? ".part"
                : "." + Hashes.sha256(etag.getBytes(StandardCharsets.UTF_8)).substring(0, 12) + ".part";
    }
}
