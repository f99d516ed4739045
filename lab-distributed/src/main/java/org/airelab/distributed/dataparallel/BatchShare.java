package org.airelab.distributed.dataparallel;

import org.airelab.base.UserError;

/**
 * One rank's share of every step's samples. A step has {@code accumulation} passes of {@code batchSize} samples;
 * passes are given to ranks as far as they go round, and where there are more ranks than that several share the rows of
 * a pass. All ranks together take the very samples that one rank would take, in the same steps.
 *
 * @param rows   samples of this rank's passes
 * @param passes of this rank in a step
 * @param first  this rank's first sample, counted from the step's first
 * @param stride samples from the beginning of a pass of this rank to that of its next one, in the next step, too
 */
public record BatchShare(int rows, int passes, long first, long stride) {
    /**
     * The share of a rank.
     *
     * @throws UserError (bad input) when the samples cannot be divided evenly
     */
    public static BatchShare of(int batchSize, int accumulation, int rank, int ranks) {
        int takers = gcd(accumulation, ranks);
        int sharers = ranks / takers;
        if (batchSize % sharers != 0) {
            throw UserError.badInput("the " + batchSize + " x " + accumulation + " sequences of a step cannot be"
                    + " divided evenly among " + ranks + " ranks.", "Make train.batch_size or train.accumulation a"
                    + " multiple of " + ranks + ".");
        }
        int rows = batchSize / sharers;
        return new BatchShare(rows, accumulation / takers, (long) rank / sharers * batchSize
                + (long) rank % sharers * rows, (long) takers * batchSize);
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
