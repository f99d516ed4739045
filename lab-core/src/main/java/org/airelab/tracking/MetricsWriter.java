package org.airelab.tracking;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.airelab.base.AtomicFiles;
import org.airelab.base.IoReasons;
import org.airelab.base.Json;
import org.airelab.base.UserError;

/**
 * metrics.jsonl: a JSON object a line, {@code {"step":100,"seconds":12.5,"train_loss":3.1}}. NaN and the infinities are
 * the strings "NaN", "Infinity" and "-Infinity" (see {@link Json}). Each line is handed to the operating system whole
 * as it is written, so a killed process loses none. Not safe for use from several threads.
 */
public final class MetricsWriter implements AutoCloseable {
    /** The name of the training loss of a step, in nats per token, as {@link LossPlot} looks for it. */
    public static final String TRAIN_LOSS = "train_loss";
    /** The name of the loss on the validation split, in nats per token, as {@link LossPlot} looks for it. */
    public static final String VAL_LOSS = "val_loss";

    private static final String STEP = "step";

    private final Path file;
    private final FileChannel channel;

    private MetricsWriter(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Starts an empty file. */
    public static MetricsWriter create(Path file) {
        return open(file, StandardOpenOption.TRUNCATE_EXISTING);
    }

    /**
     * Continues a file after {@code lastStep}: lines of later steps, which the run is about to repeat, are cut, and so
     * are lines that are no JSON objects with a step, such as a last one torn by a crash.
     */
    public static MetricsWriter resume(Path file, long lastStep) {
        if (Files.exists(file)) {
            try {
                AtomicFiles.write(file, temporary -> copyUntil(file, temporary, lastStep));
            } catch (IOException e) {
                throw unwritable(file, e);
            }
        }
        return open(file, StandardOpenOption.APPEND);
    }

    private static MetricsWriter open(Path file, StandardOpenOption how) {
        try {
            return new MetricsWriter(file, FileChannel.open(file, StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE, how));
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    /**
     * Appends a line.
     *
     * @param step    optimizer steps done
     * @param seconds wall seconds of training so far
     * @param values  by name, in the order given
     * @throws UserError (machine) when the disk is full or gone
     */
    public void write(long step, double seconds, Map<String, ? extends Number> values) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put(STEP, step);
        line.put("seconds", seconds);
        line.putAll(values);
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(Json.MAPPER.writeValueAsString(line) + "\n");
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    @Override
    public void close() {
        try (channel) {
            channel.force(true);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static void copyUntil(Path from, Path to, long lastStep) throws IOException {
        // A decoder that replaces what is no UTF-8 instead of failing: a torn line is to be dropped, not to stop us.
        try (var lines = new BufferedReader(new InputStreamReader(Files.newInputStream(from), StandardCharsets.UTF_8));
                BufferedWriter out = Files.newBufferedWriter(to)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (step(line) <= lastStep) {
                    out.write(line);
                    out.write('\n');
                }
            }
        }
    }

    /** A line's step; beyond every step for a line that is damaged. */
    private static long step(String line) {
        try {
            JsonNode step = Json.MAPPER.readTree(line).path(STEP);
            return step.canConvertToLong() && step.isIntegralNumber() ? step.longValue() : Long.MAX_VALUE;
        } catch (JsonProcessingException e) {
            return Long.MAX_VALUE;
        }
    }

    private static UserError unwritable(Path file, IOException e) {
        return UserError.machine(file + " could not be written: " + IoReasons.of(e) + ".",
                "Free space on its disk, then continue the run with --resume.", e);
    }
}
