package org.airelab.distributed.launch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What a rank prints, appended to a file in the run's folder. The folder becomes the run's only when rank 0 has begun:
 * until then the lines are kept, and if it never does, they are not written.
 */
final class RankOutput {
    /** How error messages begin. */
    static final String ERROR = "error: ";

    private static final int LAST_LINES = 20;
    /** How long to wait for what is still on its way from a process that has ended. */
    private static final long LAST_WORDS_MILLIS = 1000;
    /** What every JVM of the lab says, and no option keeps from saying. */
    private static final String NOISE = "WARNING: Using incubator modules";

    private final int rank;
    /** Null where the lines are not to be kept. */
    private final RunFolder run;
    private final Thread reader;
    private final List<String> early = new ArrayList<>();
    private final Deque<String> last = new ArrayDeque<>();
    private Writer writer;

    RankOutput(InputStream in, int rank, RunFolder run) {
        this.rank = rank;
        this.run = run;
        this.reader = Thread.ofPlatform().daemon().name("rank-" + rank).start(() -> read(in));
    }

    private void read(InputStream in) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                take(line);
            }
            write();
        } catch (IOException e) {
            take("(its output cannot be read or kept: " + e.getMessage() + ")");
        } finally {
            close();
        }
    }

    private synchronized void take(String line) {
        if (line.startsWith(NOISE)) {
            return;
        }
        last.addLast(line);
        if (last.size() > LAST_LINES) {
            last.removeFirst();
        }
        if (run == null) {
            return;
        }
        early.add(line);
        try {
            write();
        } catch (IOException e) {
            // A full disk: reading goes on, or the rank would stand still. Rank 0 will meet it, and say so.
            early.clear();
        }
    }

    /** Writes what is kept, if it may be written already. */
    private synchronized void write() throws IOException {
        if (writer == null && run != null && run.begun()) {
            writer = Files.newBufferedWriter(run.log(rank), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
        if (writer != null) {
            for (String line : early) {
                writer.write(line + System.lineSeparator());
            }
            writer.flush();
            early.clear();
        }
    }

    private synchronized void close() {
        try {
            if (writer != null) {
                writer.close();
            }
        } catch (IOException e) {
            // Every line was flushed.
        }
    }

    /**
     * What a rank that has ended said last: its error message, from the line on that begins with "error: "; without
     * one, its last lines.
     */
    List<String> message() {
        try {
            reader.join(LAST_WORDS_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            List<String> lines = List.copyOf(last);
            for (int i = lines.size() - 1; i >= 0; i--) {
                if (lines.get(i).startsWith(ERROR)) {
                    return lines.subList(i, lines.size());
                }
            }
            return lines;
        }
    }
}
