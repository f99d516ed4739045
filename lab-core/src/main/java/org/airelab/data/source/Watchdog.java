package org.airelab.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/** Closes a stream from which nothing came for too long: its reader then gets an exception, and waits no longer. */
final class Watchdog implements AutoCloseable {
    private final Thread thread;
    private volatile long lastSign = System.nanoTime();

    Watchdog(InputStream stream, Duration patience) {
        thread = Thread.ofVirtual().start(() -> watch(stream, patience.toNanos()));
    }

    private void watch(InputStream stream, long patienceNanos) {
        try {
            for (long left; (left = lastSign + patienceNanos - System.nanoTime()) > 0; ) {
                Thread.sleep(Duration.ofNanos(left));
            }
            stream.close();
        } catch (InterruptedException | IOException e) {
            // The transfer is over.
        }
    }

    /** Something came. */
    void alive() {
        lastSign = System.nanoTime();
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
