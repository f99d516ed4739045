package org.airelab.train;

/**
 * The gradient to look at when a step has gone wrong.
 *
 * @param path of its parameter
 * @param part of the model that the parameter belongs to
 * @param norm of the gradient
 */
public record WorstGradient(String path, int part, double norm) {
    /**
     * The worse of two: one that is not finite, the one of the later part where both are not, for the backward pass
     * met it first, else the larger.
     */
    public WorstGradient or(WorstGradient other) {
        boolean finite = Double.isFinite(norm);
        if (finite != Double.isFinite(other.norm)) {
            return finite ? other : this;
        }
        return (finite ? other.norm > norm : other.part >= part) ? other : this;
    }

    /** The parameter and what is wrong with its gradient. */
    @Override
    public String toString() {
        return path + (Double.isFinite(norm) ? " (it has the largest gradient)" : " (its gradient is not finite)");
    }
}
