package org.airelab.data;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.airelab.base.Threads;

/** A thread that stays a few batches ahead. */
final class Prefetcher implements AutoCloseable {
    private static final int AHEAD = 4;

    /** A batch, or what ended the thread. */
    private record Result(TokenBatch batch, Throwable failure) {
    }

    private final BlockingQueue<Result> ready = new ArrayBlockingQueue<>(AHEAD);
    private final Thread thread;

    Prefetcher(DataLoader loader, long firstSample, int batchSize, long stride) {
        thread = Thread.ofPlatform().daemon().name("data-prefetch")
                .start(() -> run(loader, firstSample, batchSize, stride));
    }

    private void run(DataLoader loader, long firstSample, int batchSize, long stride) {
        try {
            for (long sample = firstSample; ; sample += stride) {
                Result result;
                try {
                    result = new Result(loader.batch(sample, batchSize), null);
                } catch (RuntimeException | Error e) {
                    result = new Result(null, e);
                }
                ready.put(result);
                if (result.failure != null) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            // close() asked for the end.
        }
    }

    TokenBatch next() {
        Result result;
        try {
            result = ready.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for data", e);
        }
        if (result.failure != null) {
            ready.add(result);
            if (result.failure instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) result.failure;
        }
        return result.batch;
    }

    /** Returns when the thread no longer reads the data. */
    @Override
    public void close() {
        thread.interrupt();
        Threads.join(thread);
    }
}
