package org.airelab.kernels;

import java.util.List;

/**
 * One operation with its float64 reference and its ladder of implementations.
 *
 * @param name      lower-case name with hyphens, unique among {@link Families}
 * @param reference evaluates in float64 and rounds the results to float32; every rung is tested against it
 * @param rungs     from the slowest to the fastest
 * @param <R>       the family's interface
 */
public record Family<R extends Rung>(String name, R reference, List<R> rungs) {
    public Family {
        if (rungs.isEmpty()) {
            throw new IllegalArgumentException("expected at least one rung of " + name + ", found none");
        }
        rungs = List.copyOf(rungs);
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
