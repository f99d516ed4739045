package org.airelab.distributed.group.shm;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.airelab.base.UserError;
import org.airelab.distributed.JavaCommand;
import org.airelab.distributed.comm.CollectiveChecks;
import org.airelab.distributed.comm.GroupMemory;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.Reduction;
import org.airelab.torch.ScalarType;

/** A rank that is a process of its own. */
record RankProcess(Process process, Path log) implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 120;
    private static final Limits LIMITS =
            new Limits(Duration.ofSeconds(60), Duration.ofSeconds(100), Duration.ofSeconds(5));

    /**
     * Starts one.
     *
     * @param what {@code check} runs all collectives, {@code loop} all-reduces until something happens
     */
    static RankProcess start(Path folder, String name, int rank, int size, String what) throws IOException {
        Path log = folder.resolveSibling("rank-" + rank + ".txt");
        Process process = new ProcessBuilder(JavaCommand.of(RankProcess.class, List.of("-XX:TieredStopAtLevel=1"),
                folder.toString(), name, Integer.toString(rank), Integer.toString(size), what))
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
        return new RankProcess(process, log);
    }

    public static void main(String[] arguments) {
        int rank = Integer.parseInt(arguments[2]);
        try (ShmGroup group = Rendezvous.join(List.of(Path.of(arguments[0])), arguments[1], rank,
                Integer.parseInt(arguments[3]), LIMITS); Arena arena = Arena.ofShared()) {
            System.out.println("joined");
            if (arguments[4].equals("check")) {
                new CollectiveChecks(group, GroupMemory.of(arena)).all(0, 1, 70_001);
                System.out.println("all well");
                return;
            }
            MemorySegment values = arena.allocate(JAVA_FLOAT, 1_000_000);
            for (int i = 0;; i++) {
                group.allReduce(values, ScalarType.FLOAT32, Reduction.SUM).await();
                if (i == 10) {
                    System.out.println("at work");
                }
            }
        } catch (UserError e) {
            System.out.println("error: " + e.getMessage());
            System.exit(e.exitCode());
        }
    }

    String text() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Waits until it has printed a line. */
    void await(String line) throws InterruptedException {
        await(() -> text().lines().anyMatch(line::equals), line);
    }

    static void await(BooleanSupplier condition, String what) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("waited in vain for: " + what);
            }
            Thread.sleep(20);
        }
    }

    void signal(String signal) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
    }

    /** Waits for its end, and gives all it has printed. */
    String end() throws InterruptedException {
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("it hangs:\n" + text());
        }
        return text();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
