package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.airelab.train.Shards.Piece;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShardsTest {
    @ParameterizedTest
    @CsvSource({"1,1,16", "2,1000,32", "2,100,4096", "3,1,480", "3,100000,4800", "4,65,6400"})
    void everyElementBelongsToOneRank(int ranks, long bucket, long size) {
        List<Piece> all = new ArrayList<>();
        for (int rank = 0; rank < ranks; rank++) {
            Shards shards = Shards.of(rank, ranks, bucket);
            assertEquals(0, size % shards.multiple());
            List<Piece> mine = shards.parts(size, rank);
            assertEquals(size / ranks, mine.stream().mapToLong(Piece::size).sum());
            all.addAll(mine);
        }
        all.sort(Comparator.comparing(Piece::from));
        long end = 0;
        for (Piece piece : all) {
            assertEquals(end, piece.from());
            assertEquals(0, piece.from() % 16);
            end = piece.to();
        }
        assertEquals(size, end);
    }

    @Test
    void bucketsBeginAtTheEnd() {
        assertEquals(List.of(new Piece(64, 128), new Piece(0, 64)), Shards.of(0, 2, 70).buckets(128));
        assertEquals(List.of(new Piece(32, 96), new Piece(0, 32)), Shards.of(0, 2, 70).buckets(96));
        assertTrue(Shards.of(0, 2, 1).buckets(96).stream().allMatch(bucket -> bucket.size() == 32));
    }

    @Test
    void whole() {
        assertEquals(List.of(new Piece(0, 1008)), Shards.WHOLE.parts(1008, 0));
    }
}
