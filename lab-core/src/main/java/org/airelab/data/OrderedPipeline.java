package org.airelab.data;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/** Work on documents on all processors, its results taken in the documents' order, a bounded number in memory. */
final class OrderedPipeline {
    /** Characters worth a task. */
    private static final int BATCH_CHARACTERS = 1 << 18;
    private static final int BATCHES_A_THREAD = 3;

    private OrderedPipeline() {
    }

    /** Takes a result. */
    @FunctionalInterface
    interface Sink<R> {
        void accept(R result) throws IOException;
    }

    /**
     * Cuts the documents into batches (the same on every machine), does {@code work} on each in some thread, and
     * passes the results in order to {@code sink} in this thread.
     */
    static <R> void run(Iterator<String> documents, Function<List<String>, R> work, Sink<R> sink) throws IOException {
        int threads = Runtime.getRuntime().availableProcessors();
        Deque<Future<R>> running = new ArrayDeque<>();
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            while (documents.hasNext()) {
                List<String> batch = batch(documents);
                running.add(pool.submit(() -> work.apply(batch)));
                if (running.size() == threads * BATCHES_A_THREAD) {
                    sink.accept(result(running.remove()));
                }
            }
            while (!running.isEmpty()) {
                sink.accept(result(running.remove()));
            }
        } finally {
            pool.shutdownNow();
        }
    }

    private static List<String> batch(Iterator<String> documents) {
        List<String> batch = new ArrayList<>();
        for (int characters = 0; documents.hasNext() && characters < BATCH_CHARACTERS; ) {
            String document = documents.next();
            batch.add(document);
            characters += document.length();
        }
        return batch;
    }

    private static <R> R result(Future<R> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }
}
