package org.airelab.tracking;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsTest {
    @TempDir
    private Path folder;

    private Path file() {
        return folder.resolve("metrics.jsonl");
    }

    @Test
    void linesAreJsonInTheOrderGiven() throws IOException {
        Map<String, Number> values = new LinkedHashMap<>();
        values.put("train_loss", 3.25);
        values.put("tokens", 1L << 40);
        values.put("grad_norm", Double.NaN);
        values.put("lr", Double.NEGATIVE_INFINITY);
        try (MetricsWriter metrics = MetricsWriter.create(file())) {
            metrics.write(1, 0.5, values);
            metrics.write(2, 1e-9, Map.of());
        }
        assertEquals("""
                {"step":1,"seconds":0.5,"train_loss":3.25,"tokens":1099511627776,"grad_norm":"NaN","lr":"-Infinity"}
                {"step":2,"seconds":1.0E-9}
                """, Files.readString(file()));
        assertEquals(Double.NaN, Series.read(file(), "grad_norm").values()[0]);
    }

    @Test
    void everyLineIsThereWithoutClosing() throws IOException {
        try (MetricsWriter metrics = MetricsWriter.create(file())) {
            metrics.write(1, 0, Map.of("x", 1));
            assertEquals(1, Files.readAllLines(file()).size());
        }
    }

    @Test
    void resumingCutsLaterStepsAndTornLines() throws IOException {
        try (MetricsWriter metrics = MetricsWriter.create(file())) {
            for (int step = 1; step <= 5; step++) {
                metrics.write(step, step, Map.of("train_loss", 1.0 / step));
            }
        }
        Files.writeString(file(), "\u0000\u0000\n{\"seconds\":3}\n[1]\n{\"step\":\"2\"}\n{\"step\":3} x\n"
                + "{\"step\":3,\"val_lo", StandardOpenOption.APPEND);
        Files.write(file(), new byte[] {(byte) 0xC3}, StandardOpenOption.APPEND);
        try (MetricsWriter metrics = MetricsWriter.resume(file(), 3)) {
            metrics.write(4, 9, Map.of("train_loss", 7.0));
        }
        List<String> lines = Files.readAllLines(file());
        assertEquals(4, lines.size());
        assertEquals("{\"step\":4,\"seconds\":9.0,\"train_loss\":7.0}", lines.getLast());
        assertArrayEquals(new long[] {1, 2, 3, 4}, Series.read(file(), "train_loss").steps());
    }

    @Test
    void aFileCutAtAnyByteResumes() throws IOException {
        try (MetricsWriter metrics = MetricsWriter.create(file())) {
            metrics.write(1, 1, Map.of("train_loss", 0.5));
            metrics.write(2, 2, Map.of("train_loss", 0.25));
        }
        byte[] whole = Files.readAllBytes(file());
        for (int length = 0; length <= whole.length; length++) {
            Files.write(file(), Arrays.copyOf(whole, length));
            MetricsWriter.resume(file(), 2).close();
            for (String line : Files.readAllLines(file())) {
                JsonNode node = Json.MAPPER.readTree(line);
                assertEquals(0.5 / node.get("step").intValue(), node.get("train_loss").doubleValue());
            }
            assertTrue(Files.size(file()) == 0 || Files.readString(file()).endsWith("}\n"));
        }
        assertArrayEquals(whole, Files.readAllBytes(file()));
    }

    @Test
    void resumingWithoutAFileStartsOne() throws IOException {
        try (MetricsWriter metrics = MetricsWriter.resume(file(), 10)) {
            metrics.write(11, 1, Map.of());
        }
        assertEquals(1, Files.readAllLines(file()).size());
    }

    @Test
    void whatCannotBeWrittenIsTheMachinesFault() {
        assertEquals(UserError.MACHINE, assertThrows(UserError.class,
                () -> MetricsWriter.create(folder.resolve("no/such/folder"))).exitCode());
        Path full = Path.of("/dev/full");
        assumeTrue(Files.exists(full), "skipped: this machine has no /dev/full");
        UserError error = assertThrows(UserError.class, () -> {
            try (MetricsWriter metrics = MetricsWriter.create(full)) {
                metrics.write(1, 1, Map.of());
            }
        });
        assertTrue(error.getMessage().contains("No space left"), error.getMessage());
    }

    @Test
    void smoothingIsCentredAndThinningKeepsExtremes() {
        long[] steps = LongStream.range(0, 10_000).toArray();
        double[] values = new double[steps.length];
        Arrays.fill(values, 3.5);
        values[4321] = 100;
        values[77] = -5;
        Series series = new Series(steps, values);
        assertEquals(3.5, series.smoothed(10).values()[50], 1e-12);
        assertEquals(3.5 + 96.5 / 21, series.smoothed(10).values()[4311], 1e-9, "ten points to either side");
        assertEquals(3.5, series.smoothed(10).values()[4310], 1e-9);
        Series ramp = new Series(new long[100], LongStream.range(0, 100).asDoubleStream().toArray());
        assertEquals(0, ramp.smoothed(50).values()[0], "narrow at the start");
        assertEquals(40, ramp.smoothed(50).values()[40], 1e-12, "a straight line stays where it is");
        assertEquals(95, ramp.smoothed(8).values()[99], 1e-12, "cut at the end: the mean of 91 to 99");
        Series thin = series.thinned(100);
        assertEquals(200, thin.size());
        assertEquals(100, Arrays.stream(thin.values()).max().orElseThrow());
        assertEquals(-5, Arrays.stream(thin.values()).min().orElseThrow());
        assertTrue(LongStream.range(1, 200).allMatch(i -> thin.steps()[(int) i] >= thin.steps()[(int) i - 1]));
        values[0] = Double.POSITIVE_INFINITY;
        values[9] = Double.NaN;
        assertEquals(9998, series.finite().size());
    }
}
