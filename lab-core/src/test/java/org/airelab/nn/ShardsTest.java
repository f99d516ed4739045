package org.airelab.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.airelab.nn.Shards.Owned;
import org.airelab.nn.Shards.Piece;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShardsTest {
    private static List<Piece> parts(long... ends) {
        List<Piece> parts = new ArrayList<>();
        for (int i = 0; i < ends.length; i++) {
            parts.add(new Piece(i == 0 ? 0 : ends[i - 1], ends[i]));
        }
        return parts;
    }

    private static void assertEveryElementHasOneOwner(List<Shards> ranks, List<Piece> parts) {
        long size = parts.getLast().to();
        List<Owned> all = new ArrayList<>();
        for (Shards shards : ranks) {
            long at = 0;
            for (Owned range : shards.owned(parts, shards.rank())) {
                assertEquals(at, range.at());
                at += range.size();
                all.add(range);
            }
            assertEquals(size / ranks.size(), at);
        }
        all.sort(Comparator.comparing(Owned::from));
        long end = 0;
        for (Owned range : all) {
            assertEquals(end, range.from());
            assertEquals(0, range.from() % 16);
            end = range.to();
        }
        assertEquals(size, end);
    }

    @ParameterizedTest
    @CsvSource({"1,1,16", "2,1000,32", "2,100,4096", "3,1,480", "3,100000,4800", "4,65,6400"})
    void buckets(int ranks, long bucket, long size) {
        List<Shards> all = IntStream.range(0, ranks).mapToObj(rank -> Shards.of(rank, ranks, bucket)).toList();
        assertEquals(0, size % all.getFirst().multiple());
        assertEveryElementHasOneOwner(all, parts(size));
    }

    @Test
    void partsAsBuckets() {
        for (int stage = 2; stage <= 3; stage++) {
            int zero = stage;
            List<Piece> parts = parts(96, 480, 576, 576);
            assertEveryElementHasOneOwner(IntStream.range(0, 3).mapToObj(rank -> Shards.ofParts(rank, 3, zero))
                    .toList(), parts);
            assertEquals(List.of(new Piece(480, 576), new Piece(96, 480), new Piece(0, 96)),
                    Shards.ofParts(0, 3, stage).buckets(parts));
            assertEquals(List.of(new Owned(32, 64, 0), new Owned(224, 352, 32), new Owned(512, 544, 160)),
                    Shards.ofParts(0, 3, stage).owned(parts, 1));
        }
    }

    @Test
    void bucketsBeginAtTheEnd() {
        assertEquals(List.of(new Piece(64, 128), new Piece(0, 64)), Shards.of(0, 2, 70).buckets(parts(32, 128)));
        assertEquals(List.of(new Piece(32, 96), new Piece(0, 32)), Shards.of(0, 2, 70).buckets(parts(96)));
        assertTrue(Shards.of(0, 2, 1).buckets(parts(96)).stream().allMatch(bucket -> bucket.size() == 32));
    }

    @Test
    void whole() {
        assertEquals(List.of(new Owned(0, 1008, 0)), Shards.WHOLE.owned(parts(16, 1008), 0));
    }
}
