package org.airelab.kernels.cpu;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A pool of daemon threads that grows to what is asked of it. */
final class JavaTeam implements Parallel.Team {
    private final ExecutorService pool = Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("kernel-", 0).factory());

    @Override
    public int threads() {
        return Runtime.getRuntime().availableProcessors();
    }

    @Override
    public void run(Job job, int threads) {
        var helpers = Math.min(threads, job.tasks()) - 1;
        var done = new CountDownLatch(helpers);
        for (var i = 0; i < helpers; i++) {
            pool.execute(() -> {
                job.work();
                done.countDown();
            });
        }
        job.work();
        awaitUninterruptibly(done);
    }

    /** The helpers still write to the caller's memory, so an interrupt must not cut the wait short. */
    private static void awaitUninterruptibly(CountDownLatch done) {
        var interrupted = false;
        while (true) {
            try {
                done.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
