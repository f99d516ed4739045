package org.airelab.kernels.cuda;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Something of the driver's that lives until it is closed. Closing it twice does nothing, using it afterwards throws
 * IllegalStateException; {@link #live()} counts what has not been closed, so that a leak is seen. What belongs to a
 * device keeps the device's context alive, so that the order of closing does not matter.
 */
public abstract class CudaResource implements AutoCloseable {
    private static final AtomicLong LIVE = new AtomicLong();

    private final AtomicBoolean closed = new AtomicBoolean();

    CudaResource() {
    }

    /** Resources made and not closed, in the whole process. */
    public static long live() {
        return LIVE.get();
    }

    /** Counts this resource, once the driver has made it. */
    final void opened() {
        LIVE.incrementAndGet();
    }

    /** Throws if this resource is closed. */
    final void requireOpen() {
        if (closed.get()) {
            throw new IllegalStateException(this + " is closed");
        }
    }

    /** Gives the resource back to the driver; waits for nothing unless the driver does. */
    @Override
    public final void close() {
        if (closed.compareAndSet(false, true)) {
            LIVE.decrementAndGet();
            free();
        }
    }

    /** Called once. */
    abstract void free();
}
