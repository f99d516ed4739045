package org.airelab.distributed.pipeline;

import java.util.function.Supplier;
import org.airelab.distributed.group.Work;

/** The time for which a rank waits for others. */
final class WaitClock {
    private long nanos;

    void await(Work work) {
        awaitOnHost(() -> {
            work.await();
            return null;
        });
    }

    /** Waits for something that holds up the host, with nothing left to do for the device. */
    <T> T awaitOnHost(Supplier<T> wait) {
        long start = System.nanoTime();
        try {
            return wait.get();
        } finally {
            nanos += System.nanoTime() - start;
        }
    }

    double seconds() {
        return nanos / 1e9;
    }
}
