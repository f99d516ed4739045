package org.airelab.distributed.dataparallel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.airelab.base.UserError;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchShareTest {
    private static final int STEPS = 3;

    /** In every step the ranks take the step's samples, each one once. */
    @ParameterizedTest
    @CsvSource({"8,1,1", "8,1,2", "8,4,2", "8,4,8", "1,8,4", "3,2,2", "6,4,3", "6,4,8", "5,6,30", "2,3,6"})
    void allSamplesOnce(int batchSize, int accumulation, int ranks) {
        int samples = batchSize * accumulation;
        for (int step = 0; step < STEPS; step++) {
            List<Long> taken = new ArrayList<>();
            for (int rank = 0; rank < ranks; rank++) {
                BatchShare share = BatchShare.of(batchSize, accumulation, rank, ranks);
                assertEquals(samples, share.rows() * share.passes() * ranks);
                for (int pass = 0; pass < share.passes(); pass++) {
                    long first = share.first() + (long) (step * share.passes() + pass) * share.stride();
                    LongStream.range(first, first + share.rows()).forEach(taken::add);
                }
            }
            assertEquals(LongStream.range((long) step * samples, (step + 1L) * samples).boxed().toList(),
                    taken.stream().sorted().toList());
        }
    }

    /** Whole passes are given away first: their products are larger. */
    @ParameterizedTest
    @CsvSource({"8,4,2,8,2", "8,4,4,8,1", "8,4,8,4,1", "8,1,2,4,1", "6,4,6,2,2"})
    void rowsAndPasses(int batchSize, int accumulation, int ranks, int rows, int passes) {
        BatchShare share = BatchShare.of(batchSize, accumulation, ranks - 1, ranks);
        assertEquals(rows, share.rows());
        assertEquals(passes, share.passes());
    }

    @ParameterizedTest
    @CsvSource({"3,1,2", "1,1,2", "4,3,8"})
    void uneven(int batchSize, int accumulation, int ranks) {
        UserError error = assertThrows(UserError.class, () -> BatchShare.of(batchSize, accumulation, 0, ranks));
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertTrue(error.getMessage().contains(batchSize + " x " + accumulation + " sequences"), error.getMessage());
    }
}
