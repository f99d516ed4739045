package org.airelab.distributed.pretrain;

import org.airelab.train.DivergenceGuard;
import org.airelab.train.Trainer.StepReport;

/**
 * What becomes of a training loop's results: rank 0 keeps them ({@link RunJournal}), the other ranks,
 * which have the same, do not ({@link FollowingJournal}).
 */
interface Journal {
    /** A step was made, in so many seconds. */
    void step(StepReport report, double seconds);

    /** The loss in nats a token after a step. */
    void validated(long step, double loss);

    /** It is time to save everything; {@code validationLoss} is NaN when these weights were not validated. */
    void checkpoint(double validationLoss, DivergenceGuard.Memory guard);

    /** There is no further step. */
    void finish();
}
