package org.airelab.cli;

import org.airelab.base.NativeExit;
import org.airelab.base.ShutdownHook;
import org.airelab.base.Terminal;

/**
 * An end that the command has not come to by itself, mostly by a signal: leaves the terminal clean, so that the shell's
 * prompt starts on a line of its own, and the libraries as they are, since the command may be at work in one.
 */
final class Interruption {
    private final ShutdownHook hook = new ShutdownHook("interruption", Interruption::end);

    private Interruption() {
    }

    /**
     * Watches for an end by a signal. (The JVM itself then leaves with 128 + the signal's number: 130, 143.) What a
     * command has to say of such an end, by a {@link ShutdownHook} of its own, comes after.
     */
    static Interruption watch() {
        return new Interruption();
    }

    /** The program ends by itself. */
    void over() {
        hook.close();
    }

    private static void end() {
        NativeExit.skipDestructors();
        System.err.println(Terminal.error() ? System.lineSeparator() + "interrupted" : "interrupted");
    }
}
