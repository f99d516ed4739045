package org.airelab.distributed.pipeline;

import java.util.function.Supplier;
import org.airelab.distributed.group.WaitClock;

/**
 * What steps take, from their first pass until the last rank has made its last, and how much of it a rank waits for
 * others.
 */
final class Steps {
    private final WaitClock clock;
    private long start;
    private double waitedBefore;
    private double seconds;
    private double waited;

    Steps(WaitClock clock) {
        this.clock = clock;
    }

    /** A step begins. */
    void begin() {
        waitedBefore = clock.seconds();
        start = System.nanoTime();
    }

    /** A step ends when all ranks have come to what is waited for here. */
    <T> T end(Supplier<T> meeting) {
        T result = clock.awaitOnHost(meeting);
        seconds += (System.nanoTime() - start) / 1e9;
        waited += clock.seconds() - waitedBefore;
        return result;
    }

    double seconds() {
        return seconds;
    }

    double waited() {
        return waited;
    }
}
