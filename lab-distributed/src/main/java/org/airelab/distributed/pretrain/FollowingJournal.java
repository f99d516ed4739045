package org.airelab.distributed.pretrain;

import org.airelab.train.DivergenceGuard;
import org.airelab.train.Trainer.StepReport;

/** The journal of ranks other than 0, of which nothing is kept but their parts of checkpoints: rank 0 has the same. */
record FollowingJournal(RunCheckpoints checkpoints) implements Journal {
    @Override
    public void step(StepReport report, double seconds) {
        // Rank 0 writes it.
    }

    @Override
    public void validated(long step, double loss) {
        // Rank 0 writes it.
    }

    @Override
    public void checkpoint(double validationLoss, DivergenceGuard.Memory guard) {
        checkpoints.save(0, validationLoss, guard);
    }

    @Override
    public void finish() {
        // Nothing was begun.
    }
}
