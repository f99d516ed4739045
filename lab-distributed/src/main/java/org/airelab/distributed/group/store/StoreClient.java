package org.airelab.distributed.group.store;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.StartWait;

/** The store as ranks from 1 on have it: a connection to rank 0's. */
final class StoreClient extends Store {
    private static final long RETRY_MILLIS = 20;
    private static final long LONGEST_TRY_MILLIS = 5_000;
    /** For a store that is open already: enough for a packet that is lost and sent again. */
    private static final int REACH_MILLIS = 3_000;

    private final Socket socket;
    private final DataInputStream in;
    private final DataOutputStream out;

    private StoreClient(Socket socket, int rank, long answerMillis) throws IOException {
        this.socket = socket;
        socket.setTcpNoDelay(true);
        socket.setSoTimeout((int) Math.min(Integer.MAX_VALUE, answerMillis));
        in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
        out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
        out.writeInt(StoreServer.GREETING);
        out.writeInt(rank);
        out.flush();
    }

    /**
     * Connects, once rank 0 is there.
     *
     * @param silence how long rank 0 may take to answer
     */
    static StoreClient join(InetSocketAddress place, int rank, Duration start, Duration silence) {
        try {
            return new StoreClient(connect(place, rank, start), rank, silence.toMillis());
        } catch (IOException e) {
            throw new Gone("rank 0 does not answer at " + place + ": " + e.getMessage(), e);
        }
    }

    /** Connects with the store of a run if that is what is there, now: see {@link StorePlace#reach}. */
    static Optional<Store> reach(InetSocketAddress place, String run, int rank) {
        Socket socket = new Socket();
        try {
            socket.connect(place, REACH_MILLIS);
            StoreClient client = new StoreClient(socket, rank, REACH_MILLIS);
            if (run.equals(client.get(StoreServer.RUN))) {
                socket.setSoTimeout(0);
                return Optional.of(client);
            }
            client.close();
        } catch (IOException | Gone e) {
            close(socket);
        }
        return Optional.empty();
    }

    private static Socket connect(InetSocketAddress place, int rank, Duration start) throws IOException {
        StartWait wait = new StartWait(rank, start);
        while (true) {
            // In parts, lest a host that does not answer keeps it from saying that it waits.
            long left = Math.clamp(wait.left().toMillis(), 1, LONGEST_TRY_MILLIS);
            Socket socket = new Socket();
            try {
                // Resolved anew each time: the name of a host that is just starting may not be known yet.
                socket.connect(new InetSocketAddress(place.getHostString(), place.getPort()), (int) left);
                return socket;
            } catch (IOException e) {
                socket.close();
                wait.missing("rank 0 to start at " + place.getHostString() + ":" + place.getPort());
                if (wait.over()) {
                    throw UserError.lost("rank 0 has not come within " + Failures.seconds(start) + " to "
                            + place.getHostString() + ":" + place.getPort() + ", where rank " + rank
                            + " waits for it: " + e.getMessage(),
                            "Look whether rank 0 was started, and whether MASTER_ADDR and MASTER_PORT are its host's.");
                }
            }
            pause();
        }
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(RETRY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** What is read of an answer. */
    private interface Answer<T> {
        T read() throws IOException;
    }

    private synchronized <T> T ask(int request, Answer<T> answer, String... words) {
        try {
            out.writeByte(request);
            for (String word : words) {
                out.writeUTF(word);
            }
            out.flush();
            return answer.read();
        } catch (IOException e) {
            // An answer that came late would be taken for the next one's.
            closeSocket();
            throw new Gone("rank 0 no longer answers: " + e.getMessage(), e);
        }
    }

    @Override
    public void put(String name, String text) {
        ask(StoreServer.PUT, in::readBoolean, name, text);
    }

    @Override
    public String putFirst(String name, String text) {
        return ask(StoreServer.PUT_FIRST, in::readUTF, name, text);
    }

    @Override
    public Map<String, Entry> list(String prefix) {
        return ask(StoreServer.LIST, () -> {
            Map<String, Entry> found = new TreeMap<>();
            for (int i = in.readInt(); i > 0; i--) {
                found.put(in.readUTF(), new Entry(in.readUTF(), in.readLong()));
            }
            return found;
        }, prefix);
    }

    @Override
    synchronized void end() {
        try {
            out.writeByte(StoreServer.LEAVE);
            out.flush();
        } catch (IOException e) {
            // Rank 0 has left before.
        }
        closeSocket();
    }

    private void closeSocket() {
        close(socket);
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // It is of no further use in any case.
        }
    }
}
