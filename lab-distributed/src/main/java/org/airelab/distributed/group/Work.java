package org.airelab.distributed.group;

/** A collective that was issued and may still be running. Until it is done its memory belongs to it. */
public interface Work {
    /**
     * Waits until it is done; results are then in place and memory may be used again. Of NCCL's groups the calling
     * thread's stream waits, not the thread, except for a barrier.
     *
     * @throws org.airelab.base.UserError when it failed: a rank is gone, stands still, came with another call or did
     *         not come within the group's limit. The group is then of no further use.
     */
    void await();

    /** Whether {@link #await} would return, or throw, at once. */
    boolean done();
}
