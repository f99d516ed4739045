package org.airelab.kernels.cpu;

import org.airelab.kernels.Rung;

/**
 * A kernel of the Vector API that is two rungs: {@code vector}, which adds the lanes to the rung below, on the calling
 * thread alone, and {@code parallel}, which adds the other cores. What the classes say the latter brought was measured
 * while other programs used the same two cores.
 */
public abstract class VectorRung implements Rung {
    private final Cores cores;

    protected VectorRung(Cores cores) {
        this.cores = cores;
    }

    @Override
    public final String name() {
        return cores == Cores.ONE ? "vector" : "parallel";
    }

    @Override
    public final boolean available() {
        return Lanes.available();
    }

    @Override
    public final Cores cores() {
        return cores;
    }
}
