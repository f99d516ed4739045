package org.airelab.distributed.group.nccl;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.airelab.base.Threads;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.store.Store;

/**
 * Looks after a group on a thread beside it: asks NCCL for errors, tells the other ranks how far this one has come, and
 * ends the group when a call stands still, because a rank has died, does not come, or has come with another call.
 */
final class Watchdog {
    private static final long LOOK_MILLIS = 20;
    /** Between two times that this rank tells where it stands. */
    private static final long BEAT_NANOS = 250_000_000;
    /** After how long a call is looked into: the others have told by then that they are at it. */
    private static final long SUSPECT_NANOS = 3 * BEAT_NANOS;
    /** What a look counts at most, so that a process that was stopped does not take that for the others' silence. */
    private static final long COUNTED_NANOS = 1_000_000_000;

    private final NcclGroup group;
    private final Store store;
    private final String failureKey;
    private final Limits limits;
    private final Thread thread;
    private final Map<Channel, Wait> waits = new HashMap<>();
    private long lastLook = System.nanoTime();
    private long lastBeat = lastLook - BEAT_NANOS;
    private boolean storeGone;
    /** Null until somebody wants to be told. */
    private Lives lives;
    private Consumer<String> told;
    private volatile boolean closed;

    /** A call that this rank is at. */
    private static final class Wait {
        private long number;
        private long nanos;
    }

    /** @param failureKey where in the store the reason for which the group has failed stands */
    Watchdog(NcclGroup group, Store store, String failureKey, Limits limits) {
        this.group = group;
        this.store = store;
        this.failureKey = failureKey;
        this.limits = limits;
        this.thread = Thread.ofPlatform().daemon().name("group " + group.name() + " watchdog").start(this::run);
    }

    private void run() {
        while (!closed && !group.failed()) {
            try {
                look();
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                // To look whether it is closed.
            } catch (RuntimeException e) {
                group.fail(group.who(group.rank()) + " failed in group " + group.name() + ": " + e.getMessage());
            }
        }
        tell();
    }

    /** See {@link NcclGroup#onFailure}. */
    void onFailure(Consumer<String> told) {
        synchronized (this) {
            this.told = told;
            this.lives = new Lives(store, group.key(NcclGroup.LEFT, ""), group.rank(), limits.silence(),
                    Duration.ofNanos(BEAT_NANOS));
        }
        tell();
    }

    /** Tells why the group has failed, if it has. */
    private synchronized void tell() {
        try {
            group.checkFailed();
        } catch (UserError e) {
            if (told != null && !closed) {
                told.accept(e.getMessage());
                told = null;
            }
        }
    }

    private synchronized Lives lives() {
        return lives;
    }

    private void look() {
        long now = System.nanoTime();
        long counted = Math.min(now - lastLook, COUNTED_NANOS);
        lastLook = now;
        boolean beat = now - lastBeat >= BEAT_NANOS;
        if (beat) {
            lastBeat = now;
        }
        for (Channel channel : group.channels()) {
            Standing standing = channel.standing();
            String error = channel.error();
            if (error != null) {
                group.fail(group.who(group.rank()) + " failed in " + (standing.current() == null
                        ? "group " + group.name() : group.describe(standing.current())) + ": " + error);
                return;
            }
            Wait wait = count(channel, standing, counted);
            if (beat) {
                beat(channel, standing, wait);
            }
        }
        if (beat && !storeGone) {
            adoptFailure();
        }
        if (beat && lives() != null) {
            lookAtAll();
        }
    }

    private void lookAtAll() {
        String reason = null;
        try {
            reason = storeGone ? lives().lookWithoutStore() : lives().look();
        } catch (Store.Gone e) {
            storeGone = true;
        }
        if (reason != null) {
            group.fail(reason);
        }
    }

    private Wait count(Channel channel, Standing standing, long counted) {
        Wait wait = waits.computeIfAbsent(channel, _ -> new Wait());
        long number = standing.finished() + 1;
        wait.nanos = standing.current() == null || wait.number != number ? 0 : wait.nanos + counted;
        wait.number = number;
        return wait;
    }

    private void beat(Channel channel, Standing standing, Wait wait) {
        try {
            if (!storeGone) {
                store.put(group.key(channel.topic, group.rank()), standing.write());
            }
        } catch (Store.Gone e) {
            storeGone = true;
        }
        if (wait.nanos > SUSPECT_NANOS) {
            String reason = storeGone ? "rank 0 has died or left while " + group.who(group.rank()) + " waited in "
                    + group.describe(standing.current()) : suspect(channel, standing, Duration.ofNanos(wait.nanos));
            if (reason != null) {
                group.fail(reason);
            }
        }
    }

    private void adoptFailure() {
        try {
            String reason = store.get(failureKey);
            if (reason != null) {
                group.fail(reason);
            }
        } catch (Store.Gone e) {
            storeGone = true;
        }
    }

    /** Why a call stands still, as a sentence; null when it is too early to say. */
    private String suspect(Channel channel, Standing mine, Duration waited) {
        Call call = mine.current();
        long number = mine.finished() + 1;
        Duration limit = group.limit(call, limits);
        boolean tooLong = waited.compareTo(limit) > 0;
        try {
            Map<String, Store.Entry> standings = store.list(group.key(channel.topic, ""));
            Map<String, Store.Entry> lost = store.list(Store.LOST);
            Map<String, Store.Entry> left = store.list(group.key(NcclGroup.LEFT, ""));
            for (int other : channel.ranks) {
                Store.Entry entry = standings.get(Integer.toString(other));
                Standing standing = entry == null ? new Standing(0, null, null) : Standing.read(entry.text());
                String reason = other == group.rank() || standing.finished() >= number ? null
                        : absent(other, call, entry, lost, left);
                reason = reason == null ? different(other, number, call, standing.call(number)) : reason;
                reason = reason == null && tooLong && standing.before(number)
                        ? Failures.late(group, other, call, limit) : reason;
                if (reason != null) {
                    return reason;
                }
            }
        } catch (Store.Gone e) {
            storeGone = true;
            return null;
        }
        return tooLong ? group.describe(call) + " has not ended on " + group.who(group.rank()) + " within "
                + Failures.seconds(limits.collective()) : null;
    }

    private String absent(int other, Call call, Store.Entry standing, Map<String, Store.Entry> lost,
            Map<String, Store.Entry> left) {
        if (left.containsKey(Integer.toString(other))) {
            return Failures.lost(group, other, call, "has left");
        }
        if (lost.containsKey(Integer.toString(group.member(other)))) {
            return Failures.lost(group, other, call, "has died");
        }
        return standing == null || standing.age() < limits.silence().toMillis() ? null
                : Failures.lost(group, other, call, Failures.silent(limits.silence()));
    }

    /** What two calls of one number differ in; a message's receiver says it, as its sender may be done long since. */
    private String different(int other, long number, Call mine, Call others) {
        if (others == null || other == group.rank() || mine.kind() == Kind.SEND) {
            return null;
        }
        if (mine.kind() == Kind.RECEIVE) {
            return mine.type() == others.type() && mine.count() == others.count() ? null
                    : Failures.wrongMessage(group, mine, others);
        }
        return mine.equals(others) ? null : Failures.mismatch(group, number, mine, other, others);
    }

    /** Returns when it looks no longer. */
    void close() {
        closed = true;
        thread.interrupt();
        if (Thread.currentThread() != thread) {
            Threads.join(thread);
        }
    }
}
