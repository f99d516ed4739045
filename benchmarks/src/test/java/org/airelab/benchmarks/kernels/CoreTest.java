package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.BitSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** Threads of this process that stay on a core. */
class CoreTest {
    @Test
    void aThreadStaysOnTheLastCoreUntilItLeavesAndOthersRunWhereTheyCould() throws Exception {
        BitSet all = Core.allowed();
        assumeTrue(all.cardinality() > 1, "there is only one core, or the system does not tell");
        BitSet last = new BitSet();
        last.set(all.length() - 1);
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            // Twice: a second time changes nothing.
            assertEquals(last, allowedAfter(thread, Core::stay));
            assertEquals(last, allowedAfter(thread, Core::stay));
            assertEquals(all, Core.allowed());
            assertEquals(all, allowedAfter(thread, Core::leave));
            assertEquals(all, allowedAfter(thread, Core::leave));
        }
    }

    private static BitSet allowedAfter(ExecutorService thread, Runnable change)
            throws InterruptedException, ExecutionException {
        return thread.submit(() -> {
            change.run();
            return Core.allowed();
        }).get();
    }
}
