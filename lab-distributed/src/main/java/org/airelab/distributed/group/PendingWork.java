package org.airelab.distributed.group;

import java.util.concurrent.CountDownLatch;

/** Work that another thread does and tells the end of. */
public final class PendingWork implements Work {
    private final CountDownLatch end = new CountDownLatch(1);
    /** Written before the latch opens, read after. */
    private RuntimeException failure;

    /** Tells that the results are in place. */
    public void complete() {
        end.countDown();
    }

    /** Tells that there will be no results, unless it was done already. */
    public synchronized void fail(RuntimeException reason) {
        if (!done()) {
            failure = reason;
            end.countDown();
        }
    }

    /** Not cut short by an interrupt: the memory is in use until the end. The limits of the group end it. */
    @Override
    public void await() {
        boolean interrupted = false;
        while (true) {
            try {
                end.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public boolean done() {
        return end.getCount() == 0;
    }
}
