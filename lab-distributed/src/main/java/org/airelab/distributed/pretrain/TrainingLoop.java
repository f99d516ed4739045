package org.airelab.distributed.pretrain;

import ai.djl.engine.EngineException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.airelab.base.UserError;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.dataparallel.BatchShare;
import org.airelab.train.Trainer;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;

/** Steps until the run is done, with validations and checkpoints in between: the same on all ranks. */
final class TrainingLoop {
    private final PretrainConfig config;
    private final RankParts parts;
    private final TrainingSession session;
    private final Journal journal;
    private double validationLoss = Double.NaN;

    TrainingLoop(PretrainConfig config, RankParts parts, Journal journal) {
        this.config = config;
        this.parts = parts;
        this.session = parts.session();
        this.journal = journal;
    }

    /** Trains to the last step; the validation loss there, in nats a token. */
    double run() {
        Trainer trainer = session.trainer();
        BatchShare share = parts.share();
        long samplesPerStep = (long) config.train().batchSize() * config.train().accumulation();
        parts.loader().prefetch(trainer.step() * samplesPerStep + share.first(), share.rows(), share.stride());
        while (trainer.step() < config.train().steps()) {
            long before = System.nanoTime();
            List<TokenBatch> batches = new ArrayList<>();
            for (int i = 0; i < share.passes(); i++) {
                batches.add(parts.loader().next());
            }
            StepReport report = parts.ranks().step(trainer, batches);
            journal.step(report, (System.nanoTime() - before) / 1e9);
            stopIfDiverged(report, batches);
            parts.ranks().check(report.step(), session.parameters());
            validateAndSave(report.step());
        }
        journal.finish();
        // Without a step left the last one was validated, and recorded, before its checkpoint was saved.
        return Double.isNaN(validationLoss) ? parts.validation().loss(session.trainer()) : validationLoss;
    }

    private void validateAndSave(long step) {
        boolean last = step == config.train().steps();
        boolean validates = last || step % config.run().evalEvery() == 0;
        if (validates) {
            validationLoss = parts.validation().loss(session.trainer());
            journal.validated(step, validationLoss);
        }
        if (last || step % config.run().checkpointEvery() == 0) {
            journal.checkpoint(validates ? validationLoss : Double.NaN, parts.guard().memory());
            // Nobody goes on before it is there to go back to.
            parts.ranks().barrier();
        }
    }

    private void stopIfDiverged(StepReport report, List<TokenBatch> batches) {
        String reason = parts.guard().check(report.loss());
        if (reason == null && report.skipped() && session.scaler().exhausted()) {
            reason = "gradients overflow float16 at every scale of the loss";
        }
        if (reason == null && !report.skipped() && !Double.isFinite(report.gradientNorm())) {
            reason = "the gradient's norm is " + report.gradientNorm();
        }
        if (reason != null) {
            journal.finish();
            throw UserError.failed(String.format(Locale.ROOT, "the run diverged at step %,d: %s; suspect %s.",
                    report.step(), reason, suspect(batches)),
                    "Lower optimizer.learning_rate, lengthen schedule.warmup_fraction,"
                            + " or tighten optimizer.clip_norm.");
        }
    }

    /** The layer to look at. Looking takes another forward pass, which may need more memory than there is. */
    private String suspect(List<TokenBatch> batches) {
        try {
            return session.trainer().suspect(batches);
        } catch (EngineException e) {
            return "any layer (to look for it failed: " + e.getMessage().lines().findFirst().orElse("") + ")";
        }
    }
}
