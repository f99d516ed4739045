package org.airelab.distributed.group.nccl;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.Silences;
import org.airelab.distributed.group.store.Store;

/** Whether the other ranks of a run live, also while no call waits for them: each gives a sign at every look. */
final class Lives {
    private static final String SIGN = "sign/";
    /** For this rank to leave, too, when rank 0, with the store, has left in order. */
    private static final Duration LEAVING = Duration.ofSeconds(3);

    private final Store store;
    private final String left;
    private final int rank;
    private final Duration limit;
    private final Silences silences;
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
        Map<Integer, String> others = new HashMap<>();
        store.list(SIGN).forEach((other, sign) -> others.put(Integer.valueOf(other), sign.text()));
        others.remove(rank);
        Set<String> lost = store.list(Store.LOST).keySet();
        // Asked for last: who leaves does so before its connection ends.
        store.list(left).keySet().forEach(other -> others.remove(Integer.valueOf(other)));
        for (int other : others.keySet()) {
            if (lost.contains(Integer.toString(other))) {
                return "rank " + other + " has died";
            }
        }
        OptionalInt silent = silences.look(others, System.nanoTime());
        return silent.isPresent() ? "rank " + silent.getAsInt() + " " + Failures.silent(limit) : null;
    }

    /** The same where the store does not answer any more. */
    String lookWithoutStore() {
        return first.look(Map.of(0, "gone"), System.nanoTime()).isPresent()
                ? "rank 0 has died, left or been stopped: it no longer answers rank " + rank : null;
    }
}
