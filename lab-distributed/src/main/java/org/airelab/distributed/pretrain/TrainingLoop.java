package org.airelab.distributed.pretrain;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.airelab.base.UserError;
import org.airelab.data.DataLoader;
import org.airelab.data.TokenBatch;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.ModelFlops;
import org.airelab.train.PeakFlops;
import org.airelab.train.Trainer;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;

/** Steps until the run is done, with validations, checkpoints and the live line in between. */
final class TrainingLoop {
    private final PretrainConfig config;
    private final TrainingSession session;
    private final DataLoader loader;
    private final Validation validation;
    private final RunMetrics metrics;
    private final RunCheckpoints checkpoints;
    private final Runnable atCheckpoint;
    private final LiveLine line;
    private final Pace pace;
    private final DivergenceGuard guard;
    private final Device device;
    private final double earlierSeconds;
    private PeakFlops peak;
    private boolean peakMeasuredAgain;
    private final long start = System.nanoTime();
    private double validationLoss = Double.NaN;

    /** What a loop works with. */
    record Parts(TrainingSession session, DataLoader loader, Validation validation, RunMetrics metrics,
            RunCheckpoints checkpoints, DivergenceGuard guard, Runnable atCheckpoint, PeakFlops peak, LiveLine line,
            double earlierSeconds) {
    }

    TrainingLoop(PretrainConfig config, Parts parts) {
        this.config = config;
        this.session = parts.session;
        this.loader = parts.loader;
        this.validation = parts.validation;
        this.metrics = parts.metrics;
        this.checkpoints = parts.checkpoints;
        this.atCheckpoint = parts.atCheckpoint;
        this.peak = parts.peak;
        this.line = parts.line;
        this.earlierSeconds = parts.earlierSeconds;
        this.pace = new Pace(config.tokensPerStep());
        this.guard = parts.guard;
        this.device = session.manager().getDevice();
    }

    /** Trains to the last step; the validation loss there, in nats a token. */
    double run() {
        Trainer trainer = session.trainer();
        int batchSize = config.train().batchSize();
        long samplesPerStep = (long) batchSize * config.train().accumulation();
        loader.prefetch(trainer.step() * samplesPerStep, batchSize, batchSize);
        while (trainer.step() < config.train().steps()) {
            long before = System.nanoTime();
            List<TokenBatch> batches = new ArrayList<>();
            for (int i = 0; i < config.train().accumulation(); i++) {
                batches.add(loader.next());
            }
            StepReport report = trainer.step(batches);
            pace.step((System.nanoTime() - before) / 1e9);
            report(report);
            stopIfDiverged(report, batches);
            boolean last = report.step() == config.train().steps();
            boolean validates = last || report.step() % config.run().evalEvery() == 0;
            if (validates) {
                validate(report.step());
            }
            if (last || report.step() % config.run().checkpointEvery() == 0) {
                checkpoints.save(seconds(), validates ? validationLoss : Double.NaN, guard.memory());
                atCheckpoint.run();
            }
        }
        line.finish();
        // Without a step left the last one was validated, and recorded, before its checkpoint was saved.
        return Double.isNaN(validationLoss) ? validation.loss(session.engine()) : validationLoss;
    }

    private void report(StepReport report) {
        double left = (config.train().steps() - report.step()) * config.tokensPerStep() / pace.recent();
        double mfu = utilization();
        line.step(report, pace.recent(), mfu, Memory.used(device), left);
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("train_loss", report.loss());
        values.put("learning_rate", report.learningRate());
        values.put("gradient_norm", report.gradientNorm());
        values.put("tokens_per_second", pace.recent());
        values.put("mfu", mfu);
        if (report.skipped()) {
            values.put("skipped", 1.0);
        }
        metrics.write(report.step(), seconds(), values);
    }

    /** Model FLOP utilization. A peak that a run surpasses was measured on a busy machine: once it is measured again. */
    private double utilization() {
        double flops = ModelFlops.perToken(config.model()) * pace.recent();
        if (flops > peak.flops() && !peakMeasuredAgain) {
            peakMeasuredAgain = true;
            PeakFlops again = PeakFlops.measure(session.manager(), config.run().precision().computed(), config.model());
            peak = again.flops() > peak.flops() ? again : peak;
        }
        return flops / peak.flops();
    }

    private void stopIfDiverged(StepReport report, List<TokenBatch> batches) {
        String reason = guard.check(report.loss());
        if (reason == null && report.skipped() && session.scaler().exhausted()) {
            reason = "gradients overflow float16 at every scale of the loss";
        }
        if (reason == null && !report.skipped() && !Double.isFinite(report.gradientNorm())) {
            reason = "the gradient's norm is " + report.gradientNorm();
        }
        if (reason != null) {
            line.finish();
            throw UserError.failed(String.format(Locale.ROOT, "The run diverged at step %,d: %s; suspect %s.",
                    report.step(), reason, suspect(batches)),
                    "Lower optimizer.learning_rate, lengthen schedule.warmup_fraction, or tighten optimizer.clip_norm.");
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

    private void validate(long step) {
        validationLoss = validation.loss(session.engine());
        double bits = validation.bitsPerByte(validationLoss);
        metrics.write(step, seconds(), Map.of("val_loss", validationLoss, "val_bits_per_byte", bits));
        line.println(String.format(Locale.ROOT, "step %,d: validation loss %.4f nats/token, %.4f bits/byte", step,
                validationLoss, bits));
    }

    /** Tokens a second over this launch; over the whole run, with all it did, when there was no step left. */
    double tokensPerSecond() {
        return Double.isNaN(pace.mean()) ? config.train().steps() * config.tokensPerStep() / seconds() : pace.mean();
    }

    /** Seconds of the whole run so far, earlier launches included. */
    double seconds() {
        return earlierSeconds + (System.nanoTime() - start) / 1e9;
    }
}
