package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Iterations of a thread that runs alone and of one that does not. */
class DisturbanceTest {
    private static final int MOST_ITERATIONS = 1000;

    /** Iterations in a thread of their own, as JMH has them. */
    private static void iterate(int iterations) throws InterruptedException {
        Thread worker = new Thread(() -> {
            for (int i = 0; i < iterations; i++) {
                Disturbance.begin();
                spin(50);
                Disturbance.end();
            }
        });
        worker.start();
        worker.join();
    }

    private static void spin(int millis) {
        long end = System.nanoTime() + millis * 1_000_000L;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aThreadThatRunsBesideAnotherIsNotAlone() throws InterruptedException {
        assumeTrue(Files.exists(Path.of("/proc/self/schedstat")), "the system does not tell how long threads run");
        AtomicBoolean go = new AtomicBoolean(true);
        CountDownLatch begun = new CountDownLatch(1);
        Thread other = new Thread(() -> {
            begun.countDown();
            while (go.get()) {
                Thread.onSpinWait();
            }
        });
        other.start();
        begun.await();
        Disturbance.reset();
        iterate(2);
        go.set(false);
        other.join();
        assertFalse(Disturbance.oneThread());
        // The compiler and the collector have threads, too, which come to an end.
        Disturbance.reset();
        for (int i = 0; i < MOST_ITERATIONS && !Disturbance.oneThread(); i++) {
            iterate(1);
        }
        assertTrue(Disturbance.oneThread());
    }
}
