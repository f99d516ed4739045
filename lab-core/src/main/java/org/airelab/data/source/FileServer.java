package org.airelab.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import org.airelab.base.UserError;

/** What a download asks of the server of one file, through a proxy where the environment names one. */
final class FileServer implements AutoCloseable {
    private static final int REDIRECTIONS = 5;

    private final URI uri;
    private final Duration patience;
    private final String advice;
    private final HttpClient client;
    private final HttpClient followingClient;

    /**
     * @param patience the longest wait for an answer
     * @param advice   what to do when the server refuses
     */
    FileServer(URI uri, Duration patience, String advice) {
        this(uri, patience, advice, new EnvironmentProxies(System.getenv()));
    }

    FileServer(URI uri, Duration patience, String advice, ProxySelector proxies) {
        this.uri = uri;
        this.patience = patience;
        this.advice = advice;
        client = HttpClient.newBuilder().connectTimeout(patience).proxy(proxies).build();
        followingClient = HttpClient.newBuilder().connectTimeout(patience).proxy(proxies)
                .followRedirects(HttpClient.Redirect.NORMAL).build();
    }

    /** What the server says of the file. */
    RemoteFile ask() throws IOException {
        HttpResponse<?> answer = head(uri);
        Optional<URI> next = RemoteFile.next(answer);
        for (int hop = 0; hop < REDIRECTIONS && next.isPresent(); hop++) {
            answer = head(next.get());
            next = RemoteFile.next(answer);
        }
        return RemoteFile.of(answer);
    }

    private HttpResponse<?> head(URI where) throws IOException {
        var request = HttpRequest.newBuilder(where).HEAD().timeout(patience).build();
        return send(client, request, HttpResponse.BodyHandlers.discarding());
    }

    /** The file's content from byte {@code from} on, if the server understands that; look at the status. */
    HttpResponse<InputStream> get(long from) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(patience);
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        return send(followingClient, request.build(), HttpResponse.BodyHandlers.ofInputStream());
    }

    private <T> HttpResponse<T> send(HttpClient through, HttpRequest request, HttpResponse.BodyHandler<T> handler)
            throws IOException {
        HttpResponse<T> response;
        try {
            response = through.send(request, handler);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        int status = response.statusCode();
        if (status == 429 || status >= 500) {
            throw new IOException("HTTP status " + status);
        }
        if (status >= 400 && status != 416) {
            throw UserError.machine(request.uri() + " answers with HTTP status " + status, advice);
        }
        return response;
    }

    @Override
    public void close() {
        client.shutdownNow();
        followingClient.shutdownNow();
    }
}
