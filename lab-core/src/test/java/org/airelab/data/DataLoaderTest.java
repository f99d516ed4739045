package org.airelab.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tokens of these datasets are their positions, so a batch tells where it was read. */
class DataLoaderTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"1000, 16", "1000, 1", "1000, 300", "33, 16", "32, 16", "31, 16", "17, 16", "2, 1",
        "65, 64", "1009, 7"})
    void anEpochVisitsEveryWindowOfItsGridOnce(int tokens, int contextLength) throws IOException {
        try (var dataset = TestShards.positions(folder, tokens);
                var loader = new DataLoader(dataset, contextLength, 9)) {
            long samples = loader.samplesPerEpoch();
            assertTrue(samples >= 1 && samples >= tokens / contextLength - 2 && samples * contextLength < tokens);
            for (long epoch = 0; epoch < 5; epoch++) {
                var covered = new BitSet(tokens);
                for (long sample = epoch * samples; sample < (epoch + 1) * samples; sample++) {
                    assertEquals(epoch, loader.epoch(sample));
                    TokenBatch batch = loader.batch(sample, 1);
                    for (int i = 0; i < contextLength; i++) {
                        assertEquals(batch.inputs()[0] + i, batch.inputs()[i]);
                        assertEquals(batch.inputs()[i] + 1, batch.targets()[i]);
                        assertFalse(covered.get((int) batch.inputs()[i]), "token twice in an epoch");
                        covered.set((int) batch.inputs()[i]);
                    }
                }
                assertEquals(samples * contextLength, covered.cardinality());
                assertEquals(covered.cardinality(), covered.length() - covered.nextSetBit(0), "a grid without holes");
            }
        }
    }

    @Test
    void epochsDifferInOrderAndGrid() throws IOException {
        try (var dataset = TestShards.positions(folder, 2000); var loader = new DataLoader(dataset, 10, 4)) {
            Set<List<Long>> orders = new HashSet<>();
            Set<Long> phases = new HashSet<>();
            Set<Long> starts = new HashSet<>();
            for (long epoch = 0; epoch < 200; epoch++) {
                List<Long> order = new ArrayList<>();
                for (long i = 0; i < loader.samplesPerEpoch(); i++) {
                    order.add(loader.batch(epoch * loader.samplesPerEpoch() + i, 1).inputs()[0]);
                }
                orders.add(order);
                phases.add(order.getFirst() % 10);
                starts.addAll(order);
            }
            assertEquals(200, orders.size());
            assertEquals(10, phases.size());
            // Any window of the data comes at some time, the very first and the very last as well.
            assertEquals(1990, starts.size());
            assertTrue(starts.contains(0L) && starts.contains(1989L));
        }
    }

    @Test
    void seedsDiffer() throws IOException {
        try (var dataset = TestShards.positions(folder, 5000); var one = new DataLoader(dataset, 10, 1);
                var two = new DataLoader(dataset, 10, 2); var again = new DataLoader(dataset, 10, 1)) {
            assertNotEquals(List.of(one.batch(0, 20).inputs()[0], one.batch(20, 20).inputs()[0]),
                    List.of(two.batch(0, 20).inputs()[0], two.batch(20, 20).inputs()[0]));
            assertArrayEquals(one.batch(7, 20).inputs(), again.batch(7, 20).inputs());
        }
    }

    /** Two ranks that take their halves of each global batch see together what one rank sees. */
    @Test
    void theOrderDoesNotDependOnTheNumberOfRanks() throws IOException {
        try (var dataset = TestShards.positions(folder, 3000); var loader = new DataLoader(dataset, 16, 3)) {
            for (long step = 0; step < 50; step++) {
                TokenBatch whole = loader.batch(step * 8, 8);
                for (int ranks : new int[] {2, 4, 8}) {
                    int share = 8 / ranks;
                    for (int rank = 0; rank < ranks; rank++) {
                        TokenBatch part = loader.batch(step * 8 + rank * share, share);
                        long[] expected = java.util.Arrays.copyOfRange(whole.inputs(), rank * share * 16,
                                (rank + 1) * share * 16);
                        assertArrayEquals(expected, part.inputs());
                    }
                }
            }
        }
    }

    /** Prefetched batches are the plain ones, from wherever a run resumes, across epochs, for any rank. */
    @ParameterizedTest
    @CsvSource({"0, 4, 4", "37, 4, 8", "1000000007, 3, 6", "0, 1, 1", "250, 500, 500"})
    void prefetchingResumesAnywhere(long first, int batchSize, long stride) throws IOException {
        try (var dataset = TestShards.positions(folder, 3000); var loader = new DataLoader(dataset, 16, 3)) {
            loader.prefetch(first, batchSize, stride);
            for (int step = 0; step < 40; step++) {
                if (step == 20) {
                    loader.prefetch(first + 20 * stride, batchSize, stride);
                }
                TokenBatch expected = loader.batch(first + step * stride, batchSize);
                TokenBatch actual = loader.next();
                assertArrayEquals(expected.inputs(), actual.inputs());
                assertArrayEquals(expected.targets(), actual.targets());
            }
        }
    }

    @Test
    void validationReadsWindowsSideBySide() throws IOException {
        try (var dataset = TestShards.positions(folder, 107); var loader = DataLoader.sequential(dataset, 10)) {
            assertEquals(10, loader.samplesPerEpoch());
            TokenBatch all = loader.batch(0, 10);
            for (int i = 0; i < 100; i++) {
                assertEquals(i, all.inputs()[i]);
                assertEquals(i + 1, all.targets()[i]);
            }
            assertThrows(IllegalArgumentException.class, () -> loader.batch(8, 3));
            // A prefetching thread that runs out says so to whoever waits, again and again.
            loader.prefetch(0, 5, 5);
            loader.next();
            loader.next();
            assertThrows(IllegalArgumentException.class, loader::next);
            assertThrows(IllegalArgumentException.class, loader::next);
        }
    }

    @Test
    void exactlyOneWindowIsEnoughAndOneTokenLessIsNot() throws IOException {
        try (var dataset = TestShards.positions(folder, 17)) {
            for (var loader : List.of(new DataLoader(dataset, 16, 1), DataLoader.sequential(dataset, 16))) {
                assertEquals(1, loader.samplesPerEpoch());
                assertEquals(16, loader.batch(0, 1).targets()[15]);
            }
            var error = assertThrows(UserError.class, () -> new DataLoader(dataset, 17, 1));
            assertEquals("the training data has 17 tokens, fewer than one window of context length 17 + 1",
                    error.getMessage());
            assertThrows(UserError.class, () -> DataLoader.sequential(dataset, 17));
            assertThrows(IllegalArgumentException.class, () -> new DataLoader(dataset, 0, 1));
        }
    }

    @Test
    void wrongCallsAreRefused() throws IOException {
        try (var dataset = TestShards.positions(folder, 100); var loader = new DataLoader(dataset, 10, 1)) {
            assertThrows(IllegalStateException.class, loader::next);
            assertThrows(IllegalArgumentException.class, () -> loader.batch(-1, 1));
            assertThrows(IllegalArgumentException.class, () -> loader.batch(0, 0));
            assertThrows(IllegalArgumentException.class, () -> new TokenBatch(2, 3, new long[6], new long[5]));
        }
    }

    /** Data larger than 2^31 windows: positions only, no file. */
    @Test
    void windowsOfHugeDataStayInside() {
        long tokens = 5_000_000_000_000L;
        var order = new WindowOrder.Shuffled(tokens, 1024, 1);
        for (long sample : new long[] {0, 1, order.samplesPerEpoch() - 1, order.samplesPerEpoch(), Long.MAX_VALUE}) {
            long position = order.position(sample);
            assertTrue(position >= 0 && position + 1025 <= tokens);
        }
    }
}
