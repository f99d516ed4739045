package org.airelab.data.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.airelab.base.Hashes;
import org.airelab.base.UserError;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a server that misbehaves as told. The file is at /file, behind a redirection as on Hugging Face. */
class DownloadTest {
    @TempDir
    private Path folder;
    private final byte[] content = new byte[300_000];
    private HttpServer server;
    private ExecutorService threads;
    private final List<String> ranges = new CopyOnWriteArrayList<>();

    private boolean tellsHash = true;
    private boolean tellsSize = true;
    private boolean understandsRanges = true;
    private String hash;
    private int bytesPerAnswer = Integer.MAX_VALUE;
    private int silentAnswers;
    private int failingAnswers;
    private int status = 200;
    private boolean storeAnswersHead = true;
    private int asked;

    @BeforeEach
    void start() throws IOException {
        new Random(1).nextBytes(content);
        hash = Hashes.sha256(content);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        threads = Executors.newCachedThreadPool();
        server.setExecutor(threads);
        server.createContext("/file", this::redirect);
        server.createContext("/store", this::answer);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void redirect(HttpExchange exchange) throws IOException {
        if (tellsHash) {
            exchange.getResponseHeaders().set("X-Linked-Etag", '"' + hash + '"');
        }
        if (tellsSize) {
            exchange.getResponseHeaders().set("X-Linked-Size", Integer.toString(content.length));
        }
        exchange.getResponseHeaders().set("Location", "/store");
        exchange.sendResponseHeaders(302, -1);
        exchange.close();
    }

    private void answer(HttpExchange exchange) throws IOException {
        boolean head = exchange.getRequestMethod().equals("HEAD");
        if (status != 200 || !head && failingAnswers-- > 0) {
            exchange.sendResponseHeaders(status != 200 ? status : 503, -1);
            exchange.close();
            return;
        }
        if (head) {
            asked++;
            if (!storeAnswersHead) {
                exchange.sendResponseHeaders(403, -1);
                exchange.close();
                return;
            }
            if (tellsSize) {
                exchange.getResponseHeaders().set("Content-Length", Integer.toString(content.length));
            }
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
            return;
        }
        String range = exchange.getRequestHeaders().getFirst("Range");
        ranges.add(range == null ? "all" : range);
        int from = range == null || !understandsRanges ? 0
                : Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        if (from > 0) {
            exchange.getResponseHeaders().set("Content-Range",
                    "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
        OutputStream body = exchange.getResponseBody();
        body.write(content, from, Math.min(bytesPerAnswer, content.length - from));
        body.flush();
        if (silentAnswers-- > 0) {
            return;
        }
        exchange.close();
    }

    private Path target() {
        return folder.resolve("downloads").resolve("file.bin");
    }

    private void download() throws IOException {
        download(Duration.ofSeconds(10));
    }

    private void download(Duration patience) throws IOException {
        URI uri = URI.create("http://localhost:" + server.getAddress().getPort() + "/file");
        Files.createDirectories(target().getParent());
        new Download(uri, target(), patience, Duration.ofMillis(1)).run();
    }

    private List<String> files() throws IOException {
        try (Stream<Path> list = Files.list(target().getParent())) {
            return list.map(path -> path.getFileName().toString()).toList();
        }
    }

    private void assertArrived() throws IOException {
        assertArrayEquals(content, Files.readAllBytes(target()));
        assertEquals(List.of("file.bin"), files());
    }

    private UserError assertRefused() {
        var error = assertThrows(UserError.class, this::download);
        assertFalse(Files.exists(target()));
        assertEquals(UserError.MACHINE, error.exitCode());
        return error;
    }

    @Test
    void aFileComesWholeAndOnce() throws IOException {
        download();
        assertArrived();
        server.stop(0);
        download();
        assertEquals(List.of("all"), ranges);
    }

    /** As with addresses that are signed for GET only. */
    @Test
    void theStoreIsNotAskedWhatTheFirstServerTold() throws IOException {
        storeAnswersHead = false;
        download();
        assertArrived();
        assertEquals(0, asked);
    }

    @Test
    void aServerThatTellsNothingIsTrusted() throws IOException {
        tellsHash = false;
        tellsSize = false;
        download();
        assertArrived();
        assertEquals(1, asked);
    }

    @Test
    void brokenConnectionsResumeWhereTheyBroke() throws IOException {
        bytesPerAnswer = 70_000;
        download();
        assertArrived();
        assertEquals(5, ranges.size());
        assertEquals("all", ranges.getFirst());
        assertTrue(ranges.get(1).startsWith("bytes=") && !ranges.get(1).equals("bytes=0-"));
    }

    @Test
    void aKilledDownloadContinuesInTheNextProcess() throws IOException {
        Files.createDirectories(target().getParent());
        String part = "file.bin" + new RemoteFile(content.length, hash, hash).partSuffix();
        Files.write(target().resolveSibling(part), java.util.Arrays.copyOf(content, 123_456));
        download();
        assertArrived();
        assertEquals(List.of("bytes=123456-"), ranges);
    }

    @Test
    void aPartOfAnotherVersionIsNotContinued() throws IOException {
        Files.createDirectories(target().getParent());
        Path other = target().resolveSibling("file.bin" + new RemoteFile(5, "other", null).partSuffix());
        Files.write(other, new byte[1000]);
        download();
        assertArrayEquals(content, Files.readAllBytes(target()));
        assertEquals(List.of("all"), ranges);
    }

    @Test
    void aServerThatIgnoresRangesSendsAllAgain() throws IOException {
        understandsRanges = false;
        Files.createDirectories(target().getParent());
        String part = "file.bin" + new RemoteFile(content.length, hash, hash).partSuffix();
        Files.write(target().resolveSibling(part), java.util.Arrays.copyOf(content, 1000));
        download();
        assertArrived();
        assertEquals(List.of("bytes=1000-"), ranges);
    }

    @Test
    void withoutAnIdentityNothingIsContinued() throws IOException {
        tellsHash = false;
        Files.createDirectories(target().getParent());
        Files.write(target().resolveSibling("file.bin.part"), new byte[1000]);
        download();
        assertArrived();
        assertEquals(List.of("all"), ranges);
    }

    @Test
    void aWrongHashIsRefusedAndForgotten() throws IOException {
        hash = "0".repeat(64);
        String message = assertRefused().getMessage();
        assertTrue(message.contains("is damaged") && message.contains(hash) && message.contains(Hashes.sha256(content)),
                message);
        assertEquals(List.of(), files());
    }

    @Test
    void silenceEndsTheAttempt() throws IOException {
        bytesPerAnswer = 100_000;
        silentAnswers = 1;
        download(Duration.ofSeconds(4));
        assertArrived();
        // A machine that stands still for as long itself ends another one.
        assertTrue(ranges.size() >= 3, ranges::toString);
    }

    @Test
    void anOverloadedServerIsAskedAgain() throws IOException {
        failingAnswers = 3;
        download();
        assertArrived();
    }

    @Test
    void aServerThatOnlyFailsIsGivenUp() {
        failingAnswers = Integer.MAX_VALUE;
        String message = assertRefused().getMessage();
        assertTrue(message.contains("keeps breaking off: HTTP status 503"), message);
    }

    @Test
    void aRefusalIsToldAtOnce() {
        status = 404;
        assertTrue(assertRefused().getMessage().contains("HTTP status 404"));
    }

    @Test
    void offlineIsToldWithWhatToDo() {
        server.stop(0);
        UserError error = assertRefused();
        assertEquals("cannot download file.bin: localhost does not answer (no connection)", error.getMessage());
        assertTrue(error.advice().contains("text:PATH") && error.advice().contains(target().toString()),
                error.advice());
    }

    @Test
    void moreThanTheDiskHoldsIsToldBeforehand() throws IOException {
        Files.createDirectories(target().getParent());
        server.removeContext("/file");
        server.createContext("/file", exchange -> {
            exchange.getResponseHeaders().set("X-Linked-Size", "900000000000000000");
            exchange.getResponseHeaders().set("Location", "/store");
            exchange.sendResponseHeaders(302, -1);
            exchange.close();
        });
        assertTrue(assertRefused().getMessage().contains("needs 900,000,000,000,000,000 bytes more"));
        assertTrue(ranges.isEmpty());
    }

    @Test
    void severalAtATimeFetchOnce() throws Exception {
        bytesPerAnswer = 50_000;
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(threads.submit(() -> {
                download();
                return null;
            }));
        }
        for (Future<?> one : all) {
            one.get();
        }
        assertArrived();
        assertEquals(1, ranges.stream().filter("all"::equals).count());
    }
}
