package org.airelab.benchmarks.compare;

/** Student's t distribution. */
final class Student {
    private Student() {
    }

    /**
     * The value beyond which, on both sides of 0 together, there is a probability.
     *
     * @param probability 0.05 at least
     * @param degrees     of freedom, at least one
     */
    static double quantile(double probability, int degrees) {
        double low = 0;
        double high = 16;
        while (Math.nextUp(low) < high) {
            double middle = (low + high) / 2;
            if (twoSided(middle, degrees) > probability) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    /**
     * The probability of a value at least as far from 0 as {@code t}: Abramowitz and Stegun, 1964, equations 26.7.3 and
     * 26.7.4.
     *
     * @param t       at least 0; infinity has probability 0
     * @param degrees of freedom; with none nothing can be concluded, and the probability is 1
     */
    static double twoSided(double t, int degrees) {
        if (degrees < 1) {
            return 1;
        }
        double theta = Math.atan(t / Math.sqrt(degrees));
        double cosine = Math.cos(theta);
        boolean odd = degrees % 2 == 1;
        double term = odd ? cosine : 1;
        double sum = degrees == 1 ? 0 : term;
        for (int k = odd ? 3 : 2; k < degrees; k += 2) {
            term *= cosine * cosine * (k - 1) / k;
            sum += term;
        }
        double within = odd ? 2 / Math.PI * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
        return Math.clamp(1 - within, 0, 1);
    }
}
