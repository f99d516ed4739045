package org.airelab.cli;

import org.airelab.base.NativeExit;
import org.airelab.base.Terminal;

/**
 * An end that the command has not come to by itself, mostly by a signal: leaves the terminal clean, so that the shell's
 * prompt starts on a line of its own, and the libraries as they are, since the command may be at work in one.
 */
final class Interruption {
    private volatile boolean over;

    private Interruption() {
    }

    /** Watches for an end by a signal. (The JVM itself then leaves with 128 + the signal's number: 130, 143.) */
    static Interruption watch() {
        var interruption = new Interruption();
        Runtime.getRuntime().addShutdownHook(new Thread(interruption::end, "interruption"));
        return interruption;
    }

    /** The program ends by itself. */
    void over() {
        over = true;
    }

    private void end() {
        if (!over) {
            NativeExit.skipDestructors();
            System.err.println(Terminal.error() ? System.lineSeparator() + "interrupted" : "interrupted");
        }
    }
}
