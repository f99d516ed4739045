package org.airelab.train;

/** How the gradients of several ranks that each compute a part of a step become their sum. */
public interface GradientExchange {
    /** Where there are no other ranks. */
    GradientExchange NONE = new GradientExchange() {
        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int ranks() {
            return 1;
        }

        @Override
        public void finalFrom(long element) {
            // Nobody waits for it.
        }

        @Override
        public void complete() {
            // The gradients are the sum of one.
        }

        @Override
        public double norm(double mine) {
            return mine;
        }

        @Override
        public void updated() {
            // This rank has updated all.
        }

        @Override
        public double mean(double value) {
            return value;
        }

        @Override
        public double[] norms(double[] mine) {
            return mine;
        }
    };

    /** This rank, from 0, of those that take different samples. */
    int rank();

    /** The number of ranks that take different samples. */
    int ranks();

    /**
     * Told in the last backward pass of a step, with ever smaller numbers to 0: the gradients from this element of the
     * flat buffer on are final, and may be on their way to the other ranks. They must not be touched until
     * {@link #complete}.
     */
    void finalFrom(long element);

    /** Waits until the gradients that this rank is to update with are the sums over all ranks. */
    void complete();

    /**
     * The norm of all gradients, of that of those this rank {@link ModelShare#counts counts}: the same bits on each.
     */
    double norm(double mine);

    /** This rank has moved the weights it is to update: waits until it has all others' weights, too. */
    void updated();

    /** The mean of all ranks' numbers: the same bits on each. Asked once a step. */
    double mean(double value);

    /** {@link #norm} of the gradients of each of this rank's parameters, for diagnosis: all norms at once. */
    double[] norms(double[] mine);
}
