package org.airelab.distributed.group.shm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

class BoardTest {
    /** Ranks that are bound to other cores take none from each other, however few cores each has. */
    @Test
    void ranksOnTheSameCores() {
        try (Arena arena = Arena.ofConfined()) {
            Board board = Board.prepare(arena.allocate(Board.bytes(3), 64), 3, 1);
            for (int rank = 0; rank < 3; rank++) {
                assertTrue(board.take(rank, ProcessId.self(), rank / 2));
            }
            assertEquals(2, board.sharers(0));
            assertEquals(2, board.sharers(1));
            assertEquals(1, board.sharers(2));
            assertEquals(ProcessId.self(), board.process(2));
        }
    }
}
