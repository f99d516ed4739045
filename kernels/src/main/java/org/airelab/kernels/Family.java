package org.airelab.kernels;

import java.util.List;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.Launcher;

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

    /**
     * The last rung of the CUDA ladder that computes in an element type on a launcher's device.
     *
     * @throws IllegalArgumentException when there is none
     */
    public R fastest(Launcher launcher, DType dtype) {
        return cudaRungs.reversed().stream()
                .filter(rung -> rung.dtypes().contains(dtype) && rung.architecture() <= launcher.architecture())
                .findFirst().orElseThrow(() -> new IllegalArgumentException("there is no CUDA kernel of " + name
                        + " in " + dtype + " for compute capability " + launcher.architecture()))
                .on(launcher, dtype);
    }

    @Override
    public String toString() {
        return name;
    }
}
