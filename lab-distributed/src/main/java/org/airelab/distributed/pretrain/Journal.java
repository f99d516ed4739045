package org.airelab.distributed.pretrain;

import org.airelab.train.DivergenceGuard;
import org.airelab.train.Trainer.StepReport;

/** What becomes of a training loop's results: rank 0 keeps them, the other ranks have the same and do not. */
interface Journal {
    /** Of ranks other than 0. */
    Journal NONE = new Journal() {
        @Override
        public void step(StepReport report, double seconds) {
            // Rank 0 has the same.
        }

        @Override
        public void validated(long step, double loss) {
            // Rank 0 has the same.
        }

        @Override
        public void checkpoint(double validationLoss, DivergenceGuard.Memory guard) {
            // Rank 0 has the same.
        }

        @Override
        public void finish() {
            // Nothing was begun.
        }
    };

    /** A step was made, in so many seconds. */
    void step(StepReport report, double seconds);

    /** The loss in nats a token after a step. */
    void validated(long step, double loss);

    /** It is time to save everything; {@code validationLoss} is NaN when these weights were not validated. */
    void checkpoint(double validationLoss, DivergenceGuard.Memory guard);

    /** There is no further step. */
    void finish();
}
