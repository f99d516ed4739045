package org.airelab.distributed.launch;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import java.util.stream.LongStream;
import org.airelab.distributed.group.AllowedCores;
import org.airelab.distributed.group.ProcessGroup;

/** A host's cores among its ranks. */
public final class Cores {
    /** With this variable a user says how many threads each rank has. */
    private static final String CHOSEN = "OMP_NUM_THREADS";

    private Cores() {
    }

    /** How many of {@code cores} each of {@code ranks} that share them has: equal parts, at least one. */
    static int share(int cores, int ranks) {
        return Math.max(1, cores / ranks);
    }

    /**
     * Lets this process's tensors, libtorch's and the lab's own, be computed by its rank's share of the threads: one
     * for each core that its launcher has bound this rank alone to, else equal parts for those that run on the same
     * cores. All ranks of the group take part.
     */
    public static void share(ProcessGroup group) {
        long mine = AllowedCores.id();
        int sharers = AllowedCores.sharers(mine, LongStream.of(group.gather(mine)));
        if (System.getenv(CHOSEN) == null) {
            // libtorch's number is OpenMP's, which the lab's kernels ask for theirs.
            Engine.getInstance();
            JniUtils.setNumThreads(share(Runtime.getRuntime().availableProcessors(), sharers));
        }
    }
}
