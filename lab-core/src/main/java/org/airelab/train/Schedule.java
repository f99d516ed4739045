package org.airelab.train;

/**
 * The learning rate over a run: linear warm-up from 0, then a decay to a fraction of the peak.
 *
 * @param decay        shape after the warm-up
 * @param warmupSteps  steps of the warm-up
 * @param totalSteps   steps of the run
 * @param peak         highest learning rate
 * @param finalFraction what is left of the peak at the end, of cosine and linear decay
 */
public record Schedule(Decay decay, long warmupSteps, long totalSteps, double peak, double finalFraction) {
    /** Shape after the warm-up. */
    public enum Decay {
        /** Half a cosine (Loshchilov and Hutter 2017, equation 5). */
        COSINE,
        /** A straight line. */
        LINEAR,
        /** None. */
        CONSTANT
    }

    /** The learning rate of step {@code step}, 1 for the first. */
    public double learningRate(long step) {
        if (step <= warmupSteps) {
            return peak * step / warmupSteps;
        }
        double progress = Math.min(1, (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
        double remaining = switch (decay) {
            case COSINE -> (1 + Math.cos(Math.PI * progress)) / 2;
            case LINEAR -> 1 - progress;
            case CONSTANT -> 1;
        };
        return decay == Decay.CONSTANT ? peak : peak * (finalFraction + (1 - finalFraction) * remaining);
    }
}
