package org.airelab.distributed.group;

/** Work that takes a while. */
public record SlowWork(long millis) implements Work {
    @Override
    public void await() {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public boolean done() {
        return false;
    }
}
