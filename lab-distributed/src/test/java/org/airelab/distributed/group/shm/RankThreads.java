package org.airelab.distributed.group.shm;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.airelab.distributed.group.Limits;

/** Ranks as threads of one process. */
public final class RankThreads {
    public static final Limits LIMITS =
            new Limits(Duration.ofSeconds(60), Duration.ofSeconds(120), Duration.ofSeconds(30));

    private RankThreads() {
    }

    /** What a rank does. */
    @FunctionalInterface
    public interface Rank {
        void run(ShmGroup group) throws Exception;
    }

    /** Runs all ranks of a new group to their ends, then throws the first failure. */
    public static void run(int size, Limits limits, Rank rank) throws Exception {
        run(SharedFile.folders(), size, limits, rank);
    }

    /** The same with files in folders of the test's choice. */
    static void run(List<Path> folders, int size, Limits limits, Rank rank) throws Exception {
        String name = "test-" + UUID.randomUUID();
        List<Callable<Void>> ranks = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            int number = i;
            ranks.add(() -> {
                try (ShmGroup group = Rendezvous.join(folders, name, number, size, limits)) {
                    rank.run(group);
                    return null;
                } catch (AssertionError e) {
                    throw new AssertionError("rank " + number + " of " + size + ": " + e.getMessage(), e);
                }
            });
        }
        call(ranks);
    }

    /** Runs tasks at once, to their ends, then throws the first failure, an assertion's before any other. */
    public static void call(List<Callable<Void>> tasks) throws Exception {
        Throwable failure = null;
        try (ExecutorService threads = Executors.newFixedThreadPool(tasks.size())) {
            for (Future<Void> future : threads.invokeAll(tasks)) {
                try {
                    future.get();
                } catch (ExecutionException e) {
                    failure = failure instanceof AssertionError ? failure : e.getCause();
                }
            }
        }
        switch (failure) {
            case null -> { }
            case Exception e -> throw e;
            case Throwable e -> throw new AssertionError(e);
        }
    }
}
