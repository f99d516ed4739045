package org.airelab.distributed.group.store;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.airelab.base.UserError;

/**
 * Where the store that rank 0 keeps is reached. Which of a host's addresses others reach it by is not known to the
 * host: they try them in turn, and tell by the run's name whether what answers there is this store.
 *
 * @param port      of rank 0's host
 * @param run       a name that no other run has
 * @param addresses of rank 0's host, at most {@link #MOST_ADDRESSES}
 */
public record StorePlace(int port, String run, List<String> addresses) {
    /** Bytes that {@link #write} needs at most. */
    public static final int BYTES = 1024;
    /** Each is 39 letters long at most. */
    private static final int MOST_ADDRESSES = 16;

    /** Of a store that listens there. */
    static StorePlace of(ServerSocket socket, String run) {
        InetAddress bound = socket.getInetAddress();
        List<String> addresses = bound.isAnyLocalAddress() ? outerAddresses() : List.of();
        return new StorePlace(socket.getLocalPort(), run, addresses.isEmpty()
                ? List.of(InetAddress.getLoopbackAddress().getHostAddress()) : addresses);
    }

    /** Those that mean this host on other hosts. */
    private static List<String> outerAddresses() {
        List<String> addresses = new ArrayList<>();
        try {
            for (NetworkInterface each : NetworkInterface.networkInterfaces().toList()) {
                if (each.isUp()) {
                    each.inetAddresses().filter(a -> !a.isLoopbackAddress() && !a.isLinkLocalAddress())
                            // Without the name that the interface has here.
                            .map(a -> a.getHostAddress().replaceFirst("%.*", "")).forEach(addresses::add);
                }
            }
        } catch (SocketException e) {
            throw UserError.machine("rank 0 cannot find out the addresses of its host: " + e.getMessage(),
                    "Look whether this process may use the network.", e);
        }
        return addresses.stream().limit(MOST_ADDRESSES).toList();
    }

    /** As a text. */
    public String write() {
        return port + " " + run + " " + String.join(" ", addresses);
    }

    /** Reads such a text. */
    public static StorePlace read(String text) {
        List<String> words = List.of(text.split(" "));
        return new StorePlace(Integer.parseInt(words.get(0)), words.get(1), words.subList(2, words.size()));
    }

    /**
     * Connects a rank with the store, which must be open. Its answers may then take as long as they like: who asks
     * watches over that.
     *
     * @return the store, or nothing where no address is reached within some seconds, as behind a firewall
     */
    public Optional<Store> reach(int rank) {
        for (String address : addresses) {
            Optional<Store> found = StoreClient.reach(new InetSocketAddress(address, port), run, rank);
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    @Override
    public String toString() {
        return "port " + port + " of " + String.join(", ", addresses);
    }
}
