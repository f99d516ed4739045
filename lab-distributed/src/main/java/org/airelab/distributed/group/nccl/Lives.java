package org.airelab.distributed.group.nccl;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.Silences;
import org.airelab.distributed.group.store.Store;

/**
 * Whether the other ranks of a run live, also while no call waits for them: each gives a sign at every look. Rank 0
 * looks at all, the others at rank 0; what rank 0 finds they read as why the group has failed.
 */
final class Lives {
    private static final String SIGN = "sign/";
    /** For this rank to leave, too, when rank 0, with the store, has left in order; and for a sign after a loss. */
    private static final Duration LEAVING = Duration.ofSeconds(3);

    private final Store store;
    private final String left;
    private final int rank;
    private final Duration limit;
    private final Silences silences;
    /** Of rank 0, without a store. */
    private final Silences first;
    private long signs;

    /**
     * Begins.
     *
     * @param left   what the names begin with under which ranks tell that they have left
     * @param limit  for a rank to give no sign
     * @param period between two looks
     */
    Lives(Store store, String left, int rank, Duration limit, Duration period) {
        this.store = store;
        this.left = left;
        this.rank = rank;
        this.limit = limit;
        this.silences = new Silences(limit, period, System.nanoTime());
        this.first = new Silences(LEAVING, period, System.nanoTime());
    }

    /** Gives a sign, and looks: what is wrong with another rank, as a sentence, or null. */
    String look() {
        store.put(SIGN + rank, Long.toString(++signs));
        if (rank > 0) {
            String sign = store.get(SIGN + 0);
            return sign == null ? null : silent(Map.of(0, sign));
        }
        Map<String, Store.Entry> given = new TreeMap<>(store.list(SIGN));
        Set<String> lost = store.list(Store.LOST).keySet();
        given.remove("0");
        // Asked for last: who leaves does so before its connection ends.
        given.keySet().removeAll(store.list(left).keySet());
        Map<Integer, String> others = new HashMap<>();
        for (Map.Entry<String, Store.Entry> other : given.entrySet()) {
            // What was lost may also be a second process that had taken the rank for its own.
            if (lost.contains(other.getKey()) && other.getValue().age() >= LEAVING.toMillis()) {
                return "rank " + other.getKey() + " has died";
            }
            others.put(Integer.valueOf(other.getKey()), other.getValue().text());
        }
        return silent(others);
    }

    private String silent(Map<Integer, String> others) {
        OptionalInt silent = silences.look(others, System.nanoTime());
        return silent.isPresent() ? "rank " + silent.getAsInt() + " " + Failures.silent(limit) : null;
    }

    /** The same where the store does not answer any more. */
    String lookWithoutStore() {
        return first.look(Map.of(0, "gone"), System.nanoTime()).isPresent()
                ? "rank 0 has died, left or been stopped: it no longer answers rank " + rank : null;
    }
}
