package org.airelab.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenBatchTest {
    private static final TokenBatch BATCH = new TokenBatch(4, 2, new long[] {1, 2, 3, 4, 5, 6, 7, 8},
            new long[] {2, 3, 4, 5, 6, 7, 8, 9});

    @Test
    void rowsKeepTheirOrder() {
        List<TokenBatch> cut = BATCH.cut(2);
        assertEquals(2, cut.size());
        assertEquals(2, cut.get(1).batchSize());
        assertArrayEquals(new long[] {1, 2, 3, 4}, cut.get(0).inputs());
        assertArrayEquals(new long[] {5, 6, 7, 8}, cut.get(1).inputs());
        assertArrayEquals(new long[] {6, 7, 8, 9}, cut.get(1).targets());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 5, -1})
    void rowsThatDoNotDivideAreRefused(int rows) {
        assertEquals("expected a number of rows that divides 4, found " + rows,
                assertThrows(IllegalArgumentException.class, () -> BATCH.cut(rows)).getMessage());
    }
}
