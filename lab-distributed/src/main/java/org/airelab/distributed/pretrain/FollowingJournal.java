package org.airelab.distributed.pretrain;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;

/** The journal of ranks other than 0, which writes nothing: rank 0 has the same. */
record FollowingJournal(TrainingSession session, Replicas replicas) implements Journal {
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
        try {
            RunCheckpoints.giveState(session, replicas);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void finish() {
        // Nothing was begun.
    }
}
