package org.airelab.distributed.comm;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * The least time that the memory of one host allows an all-reduce of its ranks, however it is done: every rank's array
 * has to be read and written once, {@code 2 n S} bytes of {@code n} ranks with {@code S} bytes each. That is what the
 * ranks read and write when each, all at once, rewrites an array of its own in place, or copies one to another place.
 * Which is the faster depends on the machine: a copy by ordinary stores also reads what it overwrites. The faster
 * counts. Of arrays that fit the caches it is the caches' time, and no bound worth naming.
 *
 * @param allReduce which is held against it
 * @param rewrite   of as many bytes by as many ranks
 * @param copy      the same
 */
record MemoryBound(Measured allReduce, Measured rewrite, Measured copy) {
    /** What has to be timed to know it. */
    static final Set<Timed> NEEDS = EnumSet.of(Timed.ALL_REDUCE, Timed.REWRITE, Timed.COPY);

    /** The bound's time of one call. */
    double nanos() {
        return Math.min(rewrite.nanos(), copy.nanos());
    }

    /** How many times as long the all-reduce takes. */
    double ratio() {
        return allReduce.nanos() / nanos();
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "an all-reduce of %d bytes reads and writes each rank's array at least once,"
                + " which takes the memory %.1f us (%s); it took %.2f times as long", allReduce.bytes(), nanos() / 1e3,
                rewrite.nanos() <= copy.nanos() ? rewrite.timed() : copy.timed(), ratio());
    }
}
