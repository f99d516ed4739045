package org.airelab.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContextDivisionTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 8})
    void ranksHaveEveryTokenOnceAndAsMuchToSee(int ranks) {
        int time = 6 * ranks;
        int[] all = IntStream.range(0, ranks).flatMap(rank -> Arrays.stream(
                new ContextDivision(rank, ranks).positions(6))).sorted().toArray();
        assertArrayEquals(IntStream.range(0, time).toArray(), all);
        for (int rank = 0; rank < ranks; rank++) {
            // A token sees those before it and itself.
            long seen = Arrays.stream(new ContextDivision(rank, ranks).positions(6)).mapToLong(p -> p + 1).sum();
            assertEquals(6L * (time + 1) / 2, seen);
        }
    }

    @Test
    void tokensComeInTheOrderOfTheirPositions() {
        ContextDivision division = new ContextDivision(1, 3);
        assertArrayEquals(new int[] {2, 3, 8, 9}, division.positions(4));
        long[] rows = LongStream.range(0, 24).toArray();
        assertArrayEquals(new long[] {2, 3, 8, 9, 14, 15, 20, 21}, division.of(rows, 12));
        assertArrayEquals(rows, ContextDivision.NONE.of(rows, 12));
        assertArrayEquals(IntStream.range(0, 5).toArray(), ContextDivision.NONE.positions(5));
    }

    @Test
    void whatCannotBeDividedIsRefused() {
        ContextDivision division = new ContextDivision(0, 4);
        division.requireDivisible(64);
        ContextDivision.NONE.requireDivisible(7);
        UserError error = assertThrows(UserError.class, () -> division.requireDivisible(60));
        assertEquals("context parallelism of 4 ranks cuts the context into 8 chunks, and context_length 60 is not a"
                + " multiple of that.", error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertThrows(IllegalArgumentException.class, () -> division.share(60));
        assertThrows(IllegalArgumentException.class, () -> division.chunks(3));
        assertThrows(IllegalArgumentException.class, () -> new ContextDivision(2, 2));
    }
}
