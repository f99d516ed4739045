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

/** Work on documents on all processors, its results taken in the documents' order, a bounded amount in memory. */
final class OrderedPipeline {
    /** Characters worth a task. */
    private static final int BATCH_CHARACTERS = 1 << 18;
    private static final int BATCHES_A_THREAD = 3;
    /** Characters of all tasks not yet finished; a document of more is worked on alone. */
    static final int MOST_CHARACTERS = 1 << 26;

    private OrderedPipeline() {
    }

    /** Takes a result. */
    @FunctionalInterface
    interface Sink<R> {
        void accept(R result) throws IOException;
    }

    /** Documents of one task. */
    private record Batch(List<String> documents, long characters) {
    }

    /** A task under way. */
    private record Task<R>(Future<R> result, long characters) {
    }

    /**
     * Cuts the documents into batches (the same on every machine), does {@code work} on each in some thread, and
     * passes the results in order to {@code sink} in this thread.
     */
    static <R> void run(Iterator<String> documents, Function<List<String>, R> work, Sink<R> sink) throws IOException {
        int threads = Runtime.getRuntime().availableProcessors();
        Deque<Task<R>> running = new ArrayDeque<>();
        long characters = 0;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            while (documents.hasNext() || !running.isEmpty()) {
                Batch batch = batch(documents);
                while (!running.isEmpty() && (batch.documents.isEmpty() || running.size() == threads * BATCHES_A_THREAD
                        || characters + batch.characters > MOST_CHARACTERS)) {
                    Task<R> oldest = running.remove();
                    sink.accept(result(oldest.result));
                    characters -= oldest.characters;
                }
                if (!batch.documents.isEmpty()) {
                    running.add(new Task<>(pool.submit(() -> work.apply(batch.documents)), batch.characters));
                    characters += batch.characters;
                }
            }
        } finally {
            pool.shutdownNow();
        }
    }

    private static Batch batch(Iterator<String> documents) {
        List<String> batch = new ArrayList<>();
        long characters = 0;
        // In this order: hasNext() already reads the next document.
        while (characters < BATCH_CHARACTERS && documents.hasNext()) {
            String document = documents.next();
            batch.add(document);
            characters += document.length();
        }
        return new Batch(batch, characters);
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
