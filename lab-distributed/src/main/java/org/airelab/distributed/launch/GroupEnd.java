package org.airelab.distributed.launch;

import java.time.Duration;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.ProcessGroup;

/**
 * Ends this process some seconds after its group has failed, if it has not ended by then. It may be at something that
 * does not let it notice, for ever where that is to wait for a lock that the rank at fault holds.
 */
public final class GroupEnd {
    /** For what this process is at to come to a call of the group, which fails and says why. */
    private static final Duration TO_NOTICE = Duration.ofSeconds(2);
    private static final Duration ORDERLY_END = Duration.ofSeconds(3);
    /** For what a process that has noticed still has to do: its exit code, and what it says, are then its own. */
    private static final Duration OWN_END = Duration.ofSeconds(20);

    private volatile boolean noticed;

    private GroupEnd() {
    }

    /** Sees to it from now on, until the group is closed. */
    public static GroupEnd of(ProcessGroup group) {
        GroupEnd end = new GroupEnd();
        group.onFailure(reason -> Thread.ofPlatform().daemon().name("group-end").start(() -> end.failed(reason)));
        return end;
    }

    /** This process ends, and says itself why. */
    public void noticed() {
        noticed = true;
    }

    private void failed(String reason) {
        ProcessEnd.pause(TO_NOTICE);
        UserError error = Failures.error(reason);
        if (noticed) {
            ProcessEnd.pause(OWN_END);
        } else {
            System.err.println("error: " + error.getMessage() + System.lineSeparator() + "  " + error.advice());
        }
        ProcessEnd.with(error.exitCode(), ORDERLY_END);
    }
}
