package org.airelab.base;

/** Something to be done where the process is ended, by Ctrl-C or SIGTERM, while this is open. */
public final class ShutdownHook implements AutoCloseable {
    private final Thread thread;

    /** Opens it; {@code name} is the thread's in which it is done. */
    public ShutdownHook(String name, Runnable task) {
        thread = new Thread(task, name);
        Runtime.getRuntime().addShutdownHook(thread);
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(thread);
        } catch (IllegalStateException e) {
            // The process is ending already: it was done, or will be.
        }
    }
}
