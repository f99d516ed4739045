package org.airelab.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;

/**
 * Counts the pieces of texts on several threads: the caller's reads and cuts batches, the others count, each in a
 * table of its own. The sums do not depend on who counted what.
 */
final class WordCounter implements AutoCloseable {
    private static final int BATCH_BYTES = 1 << 18;

    private final SpecialTokens specials;
    private final LongConsumer progress;
    private final ExecutorService executor;
    private final Semaphore batchesInMemory;
    private final ConcurrentLinkedQueue<WordCounts> tables = new ConcurrentLinkedQueue<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private List<byte[]> batch = new ArrayList<>();
    private long batchBytes;

    /** @param progress told the bytes of each batch counted, by any thread */
    WordCounter(SpecialTokens specials, int threads, LongConsumer progress) {
        this.specials = specials;
        this.progress = progress;
        this.executor = Executors.newFixedThreadPool(threads);
        this.batchesInMemory = new Semaphore(2 * threads);
    }

    /** Counts a text in UTF-8 to its end. */
    void count(InputStream utf8) throws IOException {
        var chunks = new TextChunks(utf8, specials, BATCH_BYTES);
        while (chunks.next()) {
            count(Arrays.copyOf(chunks.bytes(), chunks.length()));
        }
    }

    /** Counts a text in UTF-8. */
    void count(byte[] utf8) {
        batch.add(utf8);
        batchBytes += utf8.length;
        if (batchBytes >= BATCH_BYTES / 2) {
            submit();
        }
    }

    /** Waits for all counts and returns their sums. */
    WordCounts finish() {
        submit();
        executor.close();
        if (failure.get() instanceof Error error) {
            throw error;
        } else if (failure.get() instanceof RuntimeException exception) {
            throw exception;
        }
        WordCounts sum = tables.isEmpty() ? new WordCounts() : tables.remove();
        tables.forEach(sum::addAll);
        return sum;
    }

    /** Gives up what is not counted yet. */
    @Override
    public void close() {
        executor.shutdownNow();
    }

    private void submit() {
        List<byte[]> texts = batch;
        long bytes = batchBytes;
        batch = new ArrayList<>();
        batchBytes = 0;
        batchesInMemory.acquireUninterruptibly();
        executor.execute(() -> {
            try {
                countAll(texts);
                progress.accept(bytes);
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
            } finally {
                batchesInMemory.release();
            }
        });
    }

    private void countAll(List<byte[]> texts) {
        WordCounts free = tables.poll();
        WordCounts counts = free != null ? free : new WordCounts();
        for (byte[] text : texts) {
            int from = 0;
            for (long match = specials.find(text, 0, text.length); match != SpecialTokens.NONE;
                    match = specials.find(text, from, text.length)) {
                countPieces(text, from, SpecialTokens.start(match), counts);
                from = specials.end(match);
            }
            countPieces(text, from, text.length, counts);
        }
        tables.add(counts);
    }

    private static void countPieces(byte[] text, int from, int limit, WordCounts counts) {
        int start = from;
        while (start < limit) {
            int end = PieceScanner.end(text, start, limit);
            counts.add(text, start, end, 1);
            start = end;
        }
    }
}
