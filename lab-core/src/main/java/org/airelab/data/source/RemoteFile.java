package org.airelab.data.source;

import java.net.http.HttpResponse;
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
     * From the answers to a HEAD request, the redirections included: Hugging Face tells a large file's size and
     * SHA-256 in {@code x-linked-size} and {@code x-linked-etag} of the first answer, which points to another server.
     */
    static RemoteFile of(HttpResponse<?> last) {
        String etag = header(last, "x-linked-etag").or(() -> header(last, "etag"))
                .filter(tag -> !tag.startsWith("W/")).map(tag -> tag.replace("\"", "")).orElse(null);
        long size = header(last, "x-linked-size").or(() -> last.headers().firstValue("content-length"))
                .filter(text -> text.matches("\\d{1,18}")).map(Long::parseLong).orElse(0L);
        return new RemoteFile(size, etag, etag != null && SHA256.matcher(etag).matches() ? etag : null);
    }

    /** From the earliest answer that has it. */
    private static Optional<String> header(HttpResponse<?> response, String name) {
        return response.previousResponse().flatMap(previous -> header(previous, name))
                .or(() -> response.headers().firstValue(name));
    }

    /** Whether what arrived earlier can be told to be a part of this content. */
    boolean resumable() {
        return etag != null;
    }

    /** Parts of different contents get different names. */
    String partSuffix() {
        return etag == null ? ".part" : "." + Hashes.sha256(etag.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                .substring(0, 12) + ".part";
    }
}
