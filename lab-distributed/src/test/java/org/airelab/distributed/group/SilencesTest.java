package org.airelab.distributed.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class SilencesTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private final Silences silences = new Silences(Duration.ofSeconds(10), SECOND, 0);
    private long now;

    private OptionalInt lookAfter(double seconds, Map<Integer, String> signs) {
        now += (long) (seconds * SECOND.toNanos());
        return silences.look(signs, now);
    }

    @Test
    void whoGivesNoNewSign() {
        for (int i = 0; i < 30; i++) {
            assertEquals(OptionalInt.empty(), lookAfter(1, Map.of(1, "a" + i, 2, "b" + i, 3, "c" + i / 9)));
        }
        for (int i = 0; i < 9; i++) {
            assertEquals(OptionalInt.empty(), lookAfter(1, Map.of(1, "d" + i, 2, "b29", 3, "e")));
        }
        assertEquals(OptionalInt.of(2), lookAfter(1, Map.of(1, "f", 2, "b29", 3, "e")));
        assertEquals(OptionalInt.of(2), lookAfter(1, Map.of(1, "g", 2, "b29", 3, "e")));
        assertEquals(OptionalInt.of(3), lookAfter(1, Map.of(1, "h", 2, "b30", 3, "e")));
    }

    /** Late looks, as on a machine under load, make nobody's silence longer than it was seen to be. */
    @Test
    void whoWasStoppedItself() {
        lookAfter(1, Map.of(1, "a"));
        for (int i = 0; i < 4; i++) {
            assertEquals(OptionalInt.empty(), lookAfter(3600, Map.of(1, "a")));
        }
        assertEquals(OptionalInt.of(1), lookAfter(3600, Map.of(1, "a")));
        assertEquals(Duration.ofSeconds(11), silences.time());
    }

    @Test
    void whoHasLeftIsNotMissed() {
        lookAfter(1, Map.of(1, "a", 2, "a"));
        for (int i = 0; i < 30; i++) {
            assertEquals(OptionalInt.empty(), lookAfter(1, Map.of(2, "b" + i)));
        }
        // One that comes late, or comes back, has its time from then on.
        assertEquals(OptionalInt.empty(), lookAfter(1, Map.of(1, "a", 2, "c")));
        assertEquals(OptionalInt.empty(), lookAfter(1, Map.of(1, "a", 2, "d")));
    }
}
