package org.airelab.distributed.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StartWaitTest {
    /** What is told during a wait that is looked at each millisecond of a time. */
    private static String told(Duration limit, Duration time) {
        PrintStream standard = System.err;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setErr(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            AtomicLong clock = new AtomicLong();
            StartWait wait = new StartWait(2, limit, clock::get);
            for (; clock.get() < time.toNanos(); clock.addAndGet(1_000_000)) {
                wait.missing("rank 1 to start");
            }
            assertEquals(time.compareTo(limit) >= 0, wait.over());
        } finally {
            System.setErr(standard);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void toldOnceWhenItGetsLong() {
        assertEquals("", told(Duration.ofDays(1), Duration.ofMillis(100)));
        String line = told(Duration.ofMillis(600), Duration.ofMillis(100));
        assertTrue(line.matches("rank 2 waits for rank 1 to start, until \\d\\d:\\d\\d(:\\d\\d)? at most\\R"), line);
        assertFalse(told(Duration.ofMillis(10), Duration.ofMillis(20)).isEmpty());
    }

    @Test
    void ranksInWords() {
        assertEquals("rank 3", StartWait.ranks(IntStream.of(3)));
        assertEquals("ranks 1-3", StartWait.ranks(IntStream.of(1, 2, 3)));
        assertEquals("ranks 0, 2-3, 9", StartWait.ranks(IntStream.of(9, 0, 2, 3)));
    }
}
