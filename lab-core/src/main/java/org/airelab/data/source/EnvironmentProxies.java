package org.airelab.data.source;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.airelab.base.UserError;

/**
 * The proxies that the environment names, as curl and pip understand it: {@code https_proxy} and {@code http_proxy} by
 * the scheme of what is fetched, {@code no_proxy} for the hosts to reach directly, and each in capitals where it is
 * not there in small letters. Where the environment names none, Java's own settings hold; this machine is always
 * reached directly.
 *
 * @param environment the environment's variables
 */
final class EnvironmentProxies extends ProxySelector {
    private final Map<String, String> environment;

    EnvironmentProxies(Map<String, String> environment) {
        this.environment = environment;
    }

    /** @throws UserError (bad input) when a variable names no proxy */
    @Override
    public List<Proxy> select(URI uri) {
        String name = uri.getScheme().toLowerCase(Locale.ROOT) + "_proxy";
        String proxy = value(name);
        if (proxy.isEmpty()) {
            return ProxySelector.getDefault().select(uri);
        }
        return isDirect(uri.getHost()) ? List.of(Proxy.NO_PROXY)
                : List.of(new Proxy(Proxy.Type.HTTP, address(name, proxy)));
    }

    private String value(String name) {
        String value = environment.get(name);
        return (value != null ? value : environment.getOrDefault(name.toUpperCase(Locale.ROOT), "")).strip();
    }

    private boolean isDirect(String host) {
        if (host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]")) {
            return true;
        }
        for (String entry : value("no_proxy").split(",")) {
            String suffix = entry.strip().replaceFirst("^\\.", "");
            if (suffix.equals("*") || !suffix.isEmpty() && ("." + host).endsWith("." + suffix)) {
                return true;
            }
        }
        return false;
    }

    private static InetSocketAddress address(String name, String proxy) {
        try {
            URI uri = URI.create(proxy.contains("://") ? proxy : "http://" + proxy);
            if ("http".equals(uri.getScheme()) && uri.getHost() != null) {
                return new InetSocketAddress(uri.getHost(), uri.getPort() < 0 ? 80 : uri.getPort());
            }
        } catch (IllegalArgumentException e) {
            // Said below.
        }
        throw UserError.badInput(name + " is '" + proxy + "', which names no proxy of the form http://HOST:PORT",
                "Correct or unset this variable.");
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {
        // The transfer fails, and is tried again, as without a proxy.
    }
}
