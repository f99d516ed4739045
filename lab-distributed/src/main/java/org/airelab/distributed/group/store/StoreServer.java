package org.airelab.distributed.group.store;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.airelab.base.UserError;

/** The store of rank 0, and its side of the other ranks' connections. */
public final class StoreServer extends Store {
    /** The first thing a client says, so that another program's connection is told apart. */
    static final int GREETING = 0x6169_7265;
    /** Requests: a byte, then the name, then the text where one is written. */
    static final int PUT = 1;
    static final int PUT_FIRST = 2;
    static final int LIST = 3;
    static final int LEAVE = 4;

    /** Where the name of the run stands, in a store whose port the system has chosen. */
    static final String RUN = "run";

    private final Kept kept;
    private final ServerSocket socket;
    private final Set<Socket> clients = ConcurrentHashMap.newKeySet();

    StoreServer(InetSocketAddress place, Kept kept) {
        this.kept = kept;
        this.socket = listen(place);
        Thread.ofPlatform().daemon().name("group-store").start(this::accept);
    }

    /**
     * A store at a port that is free.
     *
     * @param oneHost whether no other host is to reach it
     */
    public static StoreServer open(boolean oneHost) {
        Kept kept = new Kept();
        kept.put(RUN, UUID.randomUUID().toString());
        // Without an address: at all of this host's.
        return new StoreServer(new InetSocketAddress(oneHost ? InetAddress.getLoopbackAddress() : null, 0), kept);
    }

    /** Where other ranks reach a store that was opened at a free port. */
    public StorePlace place() {
        return StorePlace.of(socket, kept.get(RUN));
    }

    private static ServerSocket listen(InetSocketAddress place) {
        try {
            // Of a name that is not known yet, as a new pod's often is not, the address is null: any of this host's.
            return bind(place.getAddress(), place.getPort());
        } catch (IOException e) {
            try {
                // An address under which others reach this host need not be one of the host's own.
                return bind(null, place.getPort());
            } catch (IOException wider) {
                throw UserError.machine("rank 0 cannot listen at port " + place.getPort() + " for the other ranks: "
                        + wider.getMessage(), "Set MASTER_PORT to a port that is free.", wider);
            }
        }
    }

    private static ServerSocket bind(InetAddress address, int port) throws IOException {
        ServerSocket socket = new ServerSocket();
        try {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(address, port), 1024);
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket client = socket.accept();
                clients.add(client);
                Thread.ofVirtual().name("group-store").start(() -> serve(client));
            }
        } catch (IOException e) {
            // Closed: there will be no more.
        }
    }

    private void serve(Socket client) {
        int rank = -1;
        try (client) {
            client.setTcpNoDelay(true);
            var in = new DataInputStream(new BufferedInputStream(client.getInputStream()));
            var out = new DataOutputStream(new BufferedOutputStream(client.getOutputStream()));
            if (in.readInt() != GREETING) {
                return;
            }
            rank = in.readInt();
            while (answer(in, out)) {
                out.flush();
            }
            rank = -1;
        } catch (IOException e) {
            // The connection is gone: told below.
        } finally {
            clients.remove(client);
            if (rank >= 0) {
                kept.put(LOST + rank, "");
            }
        }
    }

    /** Answers one request; false when it was the last. */
    private boolean answer(DataInputStream in, DataOutputStream out) throws IOException {
        switch (in.readByte()) {
            case PUT -> {
                kept.put(in.readUTF(), in.readUTF());
                out.writeBoolean(true);
            }
            case PUT_FIRST -> out.writeUTF(kept.putFirst(in.readUTF(), in.readUTF()));
            case LIST -> {
                Map<String, Entry> found = kept.list(in.readUTF());
                out.writeInt(found.size());
                for (Map.Entry<String, Entry> each : found.entrySet()) {
                    out.writeUTF(each.getKey());
                    out.writeUTF(each.getValue().text());
                    out.writeLong(each.getValue().age());
                }
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    @Override
    public void put(String name, String text) {
        kept.put(name, text);
    }

    @Override
    public String putFirst(String name, String text) {
        return kept.putFirst(name, text);
    }

    @Override
    public Map<String, Entry> list(String prefix) {
        return kept.list(prefix);
    }

    @Override
    void end() {
        try {
            socket.close();
            for (Socket client : clients) {
                client.close();
            }
        } catch (IOException e) {
            // Nobody is to be told: the sockets are gone in any case.
        }
    }
}
