package org.airelab.distributed.launch;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/**
 * Ends a rank whose launcher has died, even by SIGKILL. The launcher never writes to its ranks' standard inputs and
 * keeps them open: that one ends when the launcher does.
 */
public final class LauncherWatch {
    /** Given to a rank's JVM by the lab's launcher, with its process number. */
    static final String PROPERTY = "lab.launcher";
    /** What a shell reports of a program that SIGTERM has ended. */
    private static final int TERMINATED = 128 + 15;
    private static final Duration ORDERLY_END = Duration.ofSeconds(20);

    private LauncherWatch() {
    }

    /** Watches from now on, where there is such a launcher. */
    public static void start() {
        if (launched()) {
            Thread.ofPlatform().daemon().name("launcher-watch").start(LauncherWatch::watch);
        }
    }

    /** Whether there is, or was, such a launcher. */
    public static boolean launched() {
        return System.getProperty(PROPERTY) != null;
    }

    /** Whether there was such a launcher and it has died: what goes wrong in this rank then is not the rank's. */
    public static boolean launcherHasDied() {
        String launcher = System.getProperty(PROPERTY);
        return launcher != null && ProcessHandle.of(Long.parseLong(launcher)).isEmpty();
    }

    private static void watch() {
        try (InputStream in = System.in) {
            while (in.read() >= 0) {
                // Nobody writes.
            }
        } catch (IOException e) {
            // As good as an end.
        }
        // One that lives has told this rank to end, and knows why.
        if (launcherHasDied()) {
            System.err.println("error: the launcher, process " + System.getProperty(PROPERTY) + ", has died");
        }
        ProcessEnd.with(TERMINATED, ORDERLY_END);
    }
}
