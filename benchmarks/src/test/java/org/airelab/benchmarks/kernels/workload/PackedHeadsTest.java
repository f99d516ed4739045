package org.airelab.benchmarks.kernels.workload;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.airelab.kernels.attention.AttentionShape;
import org.junit.jupiter.api.Test;

class PackedHeadsTest {
    /** Two sequences of two places; three heads of queries and one of keys and values, of one number each. */
    @Test
    void gradientsOfGroupedHeadsArePackedRowByRow() {
        AttentionShape shape = new AttentionShape(2, 2, 3, 1, 1, true);
        List<float[]> packed = PackedHeads.packed(shape, List.of(
                new float[] {1, 2, 3, 11, 12, 13, 21, 22, 23, 31, 32, 33}, new float[] {4, 14, 24, 34},
                new float[] {5, 15, 25, 35}));
        assertEquals(1, packed.size());
        assertArrayEquals(new float[] {1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 21, 22, 23, 24, 25, 31, 32, 33, 34, 35},
                packed.getFirst());
    }
}
