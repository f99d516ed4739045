package org.airelab.distributed.group;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;

/** Whose signs of life stay away, as one finds out who looks at them again and again. */
public final class Silences {
    private final Duration limit;
    private final long mostNanos;
    private final Map<Integer, Silence> ranks = new HashMap<>();
    private long lastLook;
    private long nanos;

    private static final class Silence {
        private String sign;
        private long since;
    }

    /**
     * Begins.
     *
     * @param limit  for a rank to give no new sign
     * @param period between two looks
     * @param now    {@link System#nanoTime}, here and in later looks
     */
    public Silences(Duration limit, Duration period, long now) {
        this.limit = limit;
        this.mostNanos = 2 * period.toNanos();
        this.lastLook = now;
    }

    /**
     * Looks once more.
     *
     * @param signs by ranks: texts that change as long as the rank lives; those of others are forgotten
     * @return the first rank whose sign has been the same for too long
     */
    public OptionalInt look(Map<Integer, String> signs, long now) {
        // If this process itself was stopped for an hour, the others may have been, too: that is no hour's silence.
        nanos += Math.min(now - lastLook, mostNanos);
        lastLook = now;
        ranks.keySet().retainAll(signs.keySet());
        signs.forEach((rank, sign) -> {
            Silence silence = ranks.computeIfAbsent(rank, _ -> new Silence());
            if (!sign.equals(silence.sign)) {
                silence.sign = sign;
                silence.since = nanos;
            }
        });
        return ranks.keySet().stream().filter(rank -> nanos - ranks.get(rank).since >= limit.toNanos())
                .mapToInt(Integer::intValue).min();
    }

    /** How long it has looked, without the time for which this process was stopped. */
    public Duration time() {
        return Duration.ofNanos(nanos);
    }
}
