package org.airelab.kernels.matmul;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Parallel;
import org.junit.jupiter.api.Test;

class PackedProductTest {
    private static final int ROWS = 2000;

    /** Copies of a small B for a product of many rows. */
    private static int copies() {
        var shape = MatmulShape.of(ROWS, 100, 100);
        var product = new PackedProduct(shape, new Tile3x24(), 0, 0, 0, 0, Cores.ALL);
        return Parallel.pieces(ROWS, product.rowsOfCopy(ROWS, 100, 100));
    }

    /** Within a task a product's loops run on one thread, which is to copy B once. */
    @Test
    void eachThreadMakesOneCopy() {
        var before = Parallel.threads();
        Parallel.setThreads(3);
        try {
            assertEquals(3, copies());
            var within = new AtomicIntegerArray(2);
            Parallel.forRange(2, task -> within.set(task, copies()));
            assertEquals("[1, 1]", within.toString());
            assertEquals(3, copies());
        } finally {
            Parallel.setThreads(before);
        }
    }
}
