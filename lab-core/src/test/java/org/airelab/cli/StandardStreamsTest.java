package org.airelab.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class StandardStreamsTest {
    @Test
    void textIsUtf8WhateverTheLocale() {
        var bytes = new ByteArrayOutputStream();
        try (PrintStream out = StandardStreams.checked(bytes)) {
            out.print("héllo 🙂");
        }
        assertArrayEquals("héllo 🙂".getBytes(StandardCharsets.UTF_8), bytes.toByteArray());
    }

    @Test
    void linesArriveAtOnceAndTextBetweenWhenFlushed() {
        var bytes = new ByteArrayOutputStream();
        PrintStream out = StandardStreams.checked(bytes);
        out.println("line");
        assertEquals("line" + System.lineSeparator(), bytes.toString(StandardCharsets.UTF_8));
        out.print("more");
        out.flush();
        assertEquals("line" + System.lineSeparator() + "more", bytes.toString(StandardCharsets.UTF_8));
    }

    @Test
    void theFirstFailureIsThrownAndTheRestDiscarded() {
        int[] attempts = {0};
        PrintStream out = StandardStreams.checked(new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                attempts[0]++;
                throw new IOException("Broken pipe");
            }
        });
        var failure = assertThrows(UncheckedIOException.class, () -> out.println("lost"));
        assertEquals("Broken pipe", failure.getCause().getMessage());
        out.println("discarded");
        out.flush();
        assertEquals(1, attempts[0]);
    }
}
