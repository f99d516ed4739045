package org.airelab.distributed.group.store;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Short texts under names that all ranks of a run read and write: how they meet, and what they know of each other.
 * Rank 0 keeps them; the other ranks have a connection to it. When one's connection breaks off, its rank has died,
 * which the store then says under {@link #LOST}. As torchrun's {@code TCPStore} it trusts whoever reaches its port.
 */
public abstract class Store implements AutoCloseable {
    /** Where the numbers of ranks stand whose processes have ended without closing their store. */
    public static final String LOST = "lost/";

    /** The store has gone, and rank 0 with it. */
    public static final class Gone extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Gone(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /**
     * A text.
     *
     * @param age milliseconds since it was written
     */
    public record Entry(String text, long age) {
    }

    private int users = 1;

    /**
     * The store of a run.
     *
     * @param place   where rank 0 is reached; not used in a run of one rank
     * @param start   how long the other ranks wait for rank 0 to open it
     * @param silence how long rank 0 may take to answer
     * @throws org.airelab.base.UserError when rank 0 does not open it, or cannot
     */
    public static Store open(InetSocketAddress place, int rank, int size, Duration start, Duration silence) {
        if (rank != 0) {
            return StoreClient.join(place, rank, start, silence);
        }
        Kept kept = new Kept();
        return size == 1 ? kept : new StoreServer(place, kept);
    }

    /** Writes a text, in the place of an older one. */
    public abstract void put(String name, String text);

    /** Writes a text unless there is one, and gives the one that is there then. */
    public abstract String putFirst(String name, String text);

    /** All texts whose names begin so, by the rest of their names. */
    public abstract Map<String, Entry> list(String prefix);

    /** The text of a name, or null. */
    public final String get(String name) {
        Entry found = list(name).get("");
        return found == null ? null : found.text();
    }

    /** One more user, who closes it too. */
    public final synchronized Store share() {
        users++;
        return this;
    }

    /** Lets go of it; with the last user it is closed. */
    @Override
    public final synchronized void close() {
        if (--users == 0) {
            end();
        }
    }

    abstract void end();

    /** The texts themselves, in this process. */
    static final class Kept extends Store {
        private record Written(String text, long nanos) {
        }

        private final ConcurrentNavigableMap<String, Written> texts = new ConcurrentSkipListMap<>();

        @Override
        public void put(String name, String text) {
            texts.put(name, new Written(text, System.nanoTime()));
        }

        @Override
        public String putFirst(String name, String text) {
            Written there = texts.putIfAbsent(name, new Written(text, System.nanoTime()));
            return there == null ? text : there.text();
        }

        @Override
        public Map<String, Entry> list(String prefix) {
            Map<String, Entry> found = new TreeMap<>();
            long now = System.nanoTime();
            texts.subMap(prefix, prefix + Character.MAX_VALUE).forEach((name, written) -> found.put(
                    name.substring(prefix.length()), new Entry(written.text(), (now - written.nanos()) / 1_000_000)));
            return found;
        }

        @Override
        void end() {
            texts.clear();
        }
    }
}
