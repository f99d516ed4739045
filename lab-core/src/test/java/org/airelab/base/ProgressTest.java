package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private String line(long before, long done) {
        bytes.reset();
        try (Progress progress = new Progress(new PrintStream(bytes, true, StandardCharsets.UTF_8), true, "fetching",
                1000, "bytes")) {
            progress.begin(before);
            progress.update(done);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatWasDoneBeforeIsNoWorkOfNow() {
        assertTrue(line(900, 900).contains("fetching: 900 of 1,000 bytes (90%), 0/s, took"), line(900, 900));
        assertTrue(line(900, 0).contains("fetching: 0 of 1,000 bytes (0%), 0/s, took"), line(900, 0));
    }

    @Test
    void aRemarkStandsAtTheEnd() {
        try (Progress progress = new Progress(new PrintStream(bytes, true, StandardCharsets.UTF_8), true, "fetching",
                1000, "bytes")) {
            progress.remark("2 of them twice");
            progress.update(100);
        }
        String line = bytes.toString(StandardCharsets.UTF_8).strip();
        assertTrue(line.matches("(?s).*took [0-9.]+s; 2 of them twice"), line);
    }

    @Test
    void aTotalThatTurnsOutLater() {
        try (Progress progress = new Progress(new PrintStream(bytes, true, StandardCharsets.UTF_8), true, "fetching",
                1000, "bytes")) {
            progress.update(100);
            progress.expect(200);
        }
        String line = bytes.toString(StandardCharsets.UTF_8);
        assertTrue(line.contains("fetching: 100 of 200 bytes (50%)"), line);
    }
}
