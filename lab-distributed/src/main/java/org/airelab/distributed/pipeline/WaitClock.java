package org.airelab.distributed.pipeline;

import java.util.function.Supplier;
import org.airelab.distributed.group.Work;

/** The time for which a rank waits for others. Of a CPU: the host's. */
class WaitClock implements AutoCloseable {
    private long nanos;

    /** Waits for work, or lets the device wait for it. */
    void await(Work work) {
        awaitOnHost(() -> {
            work.await();
            return null;
        });
    }

    /** Waits for something that holds up the host, with nothing left to do for the device. */
    final <T> T awaitOnHost(Supplier<T> wait) {
        long start = System.nanoTime();
        try {
            return wait.get();
        } finally {
            nanos += System.nanoTime() - start;
        }
    }

    /** Seconds so far. */
    double seconds() {
        return nanos / 1e9;
    }

    @Override
    public void close() {
        // The host's clock takes nothing.
    }
}
