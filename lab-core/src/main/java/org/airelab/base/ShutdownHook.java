package org.airelab.base;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Something to be done where the process is ended, by Ctrl-C or SIGTERM, while this is open. What is open is done in
 * the order in which it was opened, and after that {@link Temporaries} are deleted: files are written through them.
 */
public final class ShutdownHook implements AutoCloseable {
    private static final Set<ShutdownHook> OPEN = new LinkedHashSet<>();
    private static boolean ending;

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(ShutdownHook::end, "shutdown"));
    }

    private final String name;
    private final Runnable task;

    /** Opens it; {@code name} is what it is called where it fails. */
    public ShutdownHook(String name, Runnable task) {
        this.name = name;
        this.task = task;
        synchronized (OPEN) {
            OPEN.add(this);
        }
    }

    /** Sees to it that temporaries are deleted where the process is ended. */
    static void prepare() {
        // The class is there now, and with it the hook.
    }

    private static void end() {
        List<ShutdownHook> open;
        synchronized (OPEN) {
            ending = true;
            open = List.copyOf(OPEN);
        }
        open.forEach(ShutdownHook::run);
        Temporaries.deleteAll();
    }

    private void run() {
        try {
            task.run();
        } catch (RuntimeException e) {
            System.err.println("error: " + name + ": " + e.getMessage());
        }
    }

    /** Closes it; where the process is ending already it was done, or will be. */
    @Override
    public void close() {
        synchronized (OPEN) {
            if (!ending) {
                OPEN.remove(this);
            }
        }
    }
}
