package org.airelab.distributed.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.pytorch.jni.JniUtils;
import java.lang.foreign.MemorySegment;
import java.util.stream.LongStream;
import org.airelab.distributed.group.AllowedCores;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.kernels.cpu.Parallel;
import org.junit.jupiter.api.Test;

/** The threads of rank 0 of three, by the cores that the ranks may run on. */
class CoresTest {
    private static final int CORES = Runtime.getRuntime().availableProcessors();
    private static final long MINE = AllowedCores.id();

    private static int threads(long... cores) {
        try (ProcessGroup group = new Bound(cores)) {
            Cores.share(group);
            assumeTrue(Parallel.findOpenMp(), "threads are not tested: there is no OpenMP");
            return Parallel.threads();
        } finally {
            JniUtils.setNumThreads(CORES);
        }
    }

    @Test
    void coresOfItsOwnAreNotDivided() {
        assumeTrue(System.getenv("OMP_NUM_THREADS") == null, "threads are not tested: OMP_NUM_THREADS is set");
        assertEquals(CORES, threads(MINE, MINE + 1, MINE + 2));
        assertEquals(Math.max(1, CORES / 2), threads(MINE, MINE + 1, MINE));
        assertEquals(Math.max(1, CORES / 3), threads(MINE, MINE, MINE));
    }

    /** A group that tells the ranks' numbers and does nothing else. */
    private static final class Bound extends ProcessGroup {
        private final long[] cores;

        Bound(long... cores) {
            super("bound", 0, 0, 1, 2);
            this.cores = cores;
        }

        @Override
        public long[] gather(long value) {
            assertEquals(cores[0], value);
            return LongStream.of(cores).toArray();
        }

        @Override
        protected Work submit(Call call, MemorySegment input, MemorySegment output) {
            throw new AssertionError("not asked for");
        }

        @Override
        public MemorySegment allocate(long bytes) {
            throw new AssertionError("not asked for");
        }

        @Override
        public void abort(String reason) {
            throw new AssertionError(reason);
        }

        @Override
        protected ProcessGroup split(String name, int[] chosen, int[] chosenOfRun) {
            throw new AssertionError("not asked for");
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }
}
