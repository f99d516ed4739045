package org.airelab.data.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EnvironmentProxiesTest {
    private static Proxy select(Map<String, String> environment, String uri) {
        return new EnvironmentProxies(environment).select(URI.create(uri)).getFirst();
    }

    /** A server that no name leads to is reached through the proxy, with all that is asked of it. */
    @Test
    void whatIsFetchedComesThroughTheProxy() throws IOException {
        List<String> asked = new CopyOnWriteArrayList<>();
        HttpServer proxy = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        proxy.createContext("/", exchange -> {
            asked.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
            byte[] body = "a story".getBytes(StandardCharsets.UTF_8);
            boolean head = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(200, head ? -1 : body.length);
            if (!head) {
                exchange.getResponseBody().write(body);
            }
            exchange.close();
        });
        proxy.start();
        URI uri = URI.create("http://stories.invalid/file");
        var proxies = new EnvironmentProxies(Map.of("http_proxy", "http://localhost:" + proxy.getAddress().getPort()));
        try (var server = new FileServer(uri, Duration.ofSeconds(10), "", proxies)) {
            server.ask();
            try (var body = server.get(0).body()) {
                assertEquals("a story", new String(body.readAllBytes(), StandardCharsets.UTF_8));
            }
        } finally {
            proxy.stop(0);
        }
        assertEquals(List.of("HEAD " + uri, "GET " + uri), asked);
    }

    @Test
    void theSchemeChoosesTheVariable() {
        Map<String, String> environment = Map.of("HTTPS_PROXY", "http://127.0.0.1:81/", "http_proxy", "127.0.0.1:82",
                "HTTP_PROXY", "127.0.0.1:83");
        assertEquals(new InetSocketAddress("127.0.0.1", 81), select(environment, "https://a.invalid/x").address());
        assertEquals(new InetSocketAddress("127.0.0.1", 82), select(environment, "http://a.invalid/x").address());
        assertEquals(new InetSocketAddress("127.0.0.1", 80),
                select(Map.of("https_proxy", "http://127.0.0.1"), "https://a.invalid/x").address());
    }

    @ParameterizedTest
    @CsvSource({"a.invalid, true", "x.a.invalid, true", "ba.invalid, false", "b.c, true", "x.b.c, true", "c, false",
        "localhost, true", "127.0.0.1, true"})
    void someHostsAreReachedDirectly(String host, boolean direct) {
        Map<String, String> environment = Map.of("https_proxy", "127.0.0.1:81", "NO_PROXY", "a.invalid, .b.c,");
        assertEquals(direct, select(environment, "https://" + host + "/x").equals(Proxy.NO_PROXY));
        assertEquals(Proxy.NO_PROXY, select(Map.of("https_proxy", "127.0.0.1:81", "no_proxy", "*"),
                "https://" + host + "/x"));
        assertEquals(Proxy.NO_PROXY, select(Map.of("https_proxy", " "), "https://" + host + "/x"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"socks5://127.0.0.1:1080", "http://", "http://a b:3", "::"})
    void whatIsNoProxyIsRefused(String proxy) {
        var error = assertThrows(UserError.class, () -> select(Map.of("https_proxy", proxy), "https://a.invalid/x"));
        assertTrue(error.getMessage().startsWith("https_proxy is '" + proxy + "'"), error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }

    @Test
    void theMirrorNeedsAScheme() {
        assertEquals(URI.create("http://mirror.invalid/datasets/roneneldan/TinyStories/resolve/main/f"),
                TinyStories.address("http://mirror.invalid/", "f"));
        for (String wrong : List.of("mirror.invalid", "mirror.invalid:80", "ftp://mirror.invalid", "https://", "a b")) {
            var error = assertThrows(UserError.class, () -> TinyStories.address(wrong, "f"));
            assertEquals("HF_ENDPOINT is '" + wrong + "', which is no address of a server", error.getMessage());
            assertEquals(UserError.BAD_INPUT, error.exitCode());
        }
    }
}
