package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class ThreadsTest {
    @Test
    void anInterruptIsNoReasonToLeaveAndIsKept() throws InterruptedException {
        CountDownLatch end = new CountDownLatch(1);
        Thread slow = Thread.ofPlatform().daemon().start(() -> {
            try {
                end.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        boolean[] interrupted = new boolean[1];
        Thread waiting = Thread.ofPlatform().daemon().start(() -> {
            Thread.currentThread().interrupt();
            Threads.join(slow);
            interrupted[0] = Thread.currentThread().isInterrupted();
        });
        waiting.join(200);
        assertTrue(waiting.isAlive(), "it has not waited");
        end.countDown();
        waiting.join();
        assertFalse(slow.isAlive());
        assertTrue(interrupted[0]);
    }
}
