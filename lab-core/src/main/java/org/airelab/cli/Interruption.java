package org.airelab.cli;

import org.airelab.base.Terminal;

/** Leaves the terminal clean when a signal ends the program: the shell's prompt starts on a line of its own. */
final class Interruption {
    private volatile boolean over;

    private Interruption() {
    }

    /** Watches for an end by a signal. (The JVM itself then leaves with 128 + the signal's number: 130, 143.) */
    static Interruption watch() {
        var interruption = new Interruption();
        Runtime.getRuntime().addShutdownHook(new Thread(interruption::say, "interruption"));
        return interruption;
    }

    /** The program ends by itself. */
    void over() {
        over = true;
    }

    private void say() {
        if (!over) {
            System.err.println(Terminal.error() ? System.lineSeparator() + "interrupted" : "interrupted");
        }
    }
}
