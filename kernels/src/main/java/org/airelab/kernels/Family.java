package org.airelab.kernels;

import java.util.List;
import org.airelab.kernels.cuda.CudaRung;

/**
 * One operation with its float64 reference and its ladder of implementations.
 *
 * @param name      lower-case name with hyphens, unique among {@link Families}
 * @param reference evaluates in float64 and rounds the results to float32; every rung is tested against it
 * @param rungs     CPU implementations, from the slowest to the fastest
 * @param cudaRungs CUDA implementations, likewise; a rung of the same name differs by its element types
 * @param <R>       the family's interface
 */
public record Family<R extends Rung>(String name, R reference, List<R> rungs, List<CudaRung<R>> cudaRungs) {
    public Family {
        if (rungs.isEmpty()) {
            throw new IllegalArgumentException("expected at least one rung of " + name + ", found none");
        }
        rungs = List.copyOf(rungs);
        cudaRungs = List.copyOf(cudaRungs);
    }

    /** A family without CUDA rungs. */
    public Family(String name, R reference, List<R> rungs) {
        this(name, reference, rungs, List.of());
    }

    /** The last rung of the ladder that this machine can run at its intended speed. */
    public R fastest() {
        for (var i = rungs.size() - 1; i > 0; i--) {
            if (rungs.get(i).available()) {
                return rungs.get(i);
            }
        }
        return rungs.getFirst();
    }

    @Override
    public String toString() {
        return name;
    }
}
