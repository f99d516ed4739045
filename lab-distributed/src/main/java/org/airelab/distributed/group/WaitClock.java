package org.airelab.distributed.group;

import java.util.function.Supplier;

/** The time for which a rank's computing thread waits for others. Of a CPU: the host's. */
public class WaitClock implements AutoCloseable {
    private long nanos;

    /** Waits for work, or lets the device wait for it. */
    public void await(Work work) {
        awaitOnHost(() -> {
            work.await();
            return null;
        });
    }

    /** Waits for something that holds up the host, with nothing left to do for the device. */
    public final <T> T awaitOnHost(Supplier<T> wait) {
        long start = System.nanoTime();
        try {
            return wait.get();
        } finally {
            nanos += System.nanoTime() - start;
        }
    }

    /** Seconds so far. */
    public double seconds() {
        return nanos / 1e9;
    }

    @Override
    public void close() {
        // The host's clock takes nothing.
    }
}
