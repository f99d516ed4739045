package org.airelab.distributed.launch;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;

/** A host's cores among its ranks. */
public final class Cores {
    /** With this variable a user says how many threads each rank has. */
    private static final String CHOSEN = "OMP_NUM_THREADS";

    private Cores() {
    }

    /** How many of {@code cores} each of {@code ranks} has: equal parts, at least one. */
    static int share(int cores, int ranks) {
        return Math.max(1, cores / ranks);
    }

    /** Lets this process's tensors, libtorch's and the lab's own, be computed by its rank's share of the threads. */
    public static void share(World world) {
        if (world.localSize() > 1 && System.getenv(CHOSEN) == null) {
            // libtorch's number is OpenMP's, which the lab's kernels ask for theirs.
            Engine.getInstance();
            JniUtils.setNumThreads(share(Runtime.getRuntime().availableProcessors(), world.localSize()));
        }
    }
}
