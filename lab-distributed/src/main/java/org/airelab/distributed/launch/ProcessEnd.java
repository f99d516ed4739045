package org.airelab.distributed.launch;

import java.time.Duration;

/** Ends this process from a thread beside its main one. */
final class ProcessEnd {
    private ProcessEnd() {
    }

    /** In order, manifests written and temporary files deleted; where that takes longer than it may, at once. */
    static void with(int code, Duration orderly) {
        Thread.ofPlatform().daemon().start(() -> {
            pause(orderly);
            Runtime.getRuntime().halt(code);
        });
        System.exit(code);
    }

    /** Waits. */
    static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            // Then at once.
        }
    }
}
