package org.airelab.distributed.pretrain;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.airelab.distributed.parallel.Ranks;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.ModelFlops;
import org.airelab.train.PeakFlops;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;

/** The live line, the metrics' files and the checkpoints of a run. */
final class RunJournal implements Journal {
    private final PretrainConfig config;
    private final TrainingSession session;
    private final Validation validation;
    private final Ranks ranks;
    private final RunMetrics metrics;
    private final RunCheckpoints checkpoints;
    private final Runnable atCheckpoint;
    private final LiveLine line;
    private final Pace pace;
    private final double earlierSeconds;
    private PeakFlops peak;
    private boolean peakMeasuredAgain;
    private final long start = System.nanoTime();
    private double gradientWaitSeconds;
    private double communicationWaitSeconds;

    /**
     * What a journal is written to.
     *
     * @param atCheckpoint   is run after each
     * @param peak           what this rank's device could do at best
     * @param earlierSeconds of the run's earlier launches
     */
    record Books(RunMetrics metrics, RunCheckpoints checkpoints, Runnable atCheckpoint, LiveLine line, PeakFlops peak,
            double earlierSeconds) {
    }

    RunJournal(PretrainConfig config, RankParts parts, Books books) {
        this.config = config;
        this.session = parts.session();
        this.validation = parts.validation();
        this.ranks = parts.ranks();
        this.metrics = books.metrics;
        this.checkpoints = books.checkpoints;
        this.atCheckpoint = books.atCheckpoint;
        this.line = books.line;
        this.peak = books.peak;
        this.earlierSeconds = books.earlierSeconds;
        this.pace = new Pace(config.tokensPerStep());
    }

    @Override
    public void step(StepReport report, double seconds) {
        pace.step(seconds);
        double left = (config.train().steps() - report.step()) * config.tokensPerStep() / pace.recent();
        double mfu = utilization();
        line.step(report, pace.recent(), mfu, Memory.used(session.manager().getDevice()), left);
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("train_loss", report.loss());
        values.put("learning_rate", report.learningRate());
        values.put("gradient_norm", report.gradientNorm());
        values.put("tokens_per_second", pace.recent());
        values.put("mfu", mfu);
        if (ranks.size() > 1) {
            putWaits(values, seconds);
        }
        if (report.skipped()) {
            values.put("skipped", 1.0);
        }
        metrics.write(report.step(), seconds(), values);
    }

    /** The parts of a step in which ranks have waited. */
    private void putWaits(Map<String, Double> values, double seconds) {
        values.put("gradient_wait", (ranks.gradientWaitSeconds() - gradientWaitSeconds) / seconds);
        gradientWaitSeconds = ranks.gradientWaitSeconds();
        ranks.communicationWaitSeconds().ifPresent(waited -> {
            values.put("communication_wait", (waited - communicationWaitSeconds) / seconds);
            communicationWaitSeconds = waited;
        });
    }

    /** Model FLOP utilization. A peak that is surpassed was measured on a busy machine: once it is measured again. */
    private double utilization() {
        double flops = ModelFlops.perToken(config.model()) * pace.recent() / ranks.size();
        if (flops > peak.flops() && !peakMeasuredAgain) {
            peakMeasuredAgain = true;
            PeakFlops again = PeakFlops.measure(session.manager(), config.run().precision().computed(), config.model());
            peak = again.flops() > peak.flops() ? again : peak;
        }
        return flops / peak.flops();
    }

    @Override
    public void validated(long step, double loss) {
        double bits = validation.bitsPerByte(loss);
        metrics.write(step, seconds(), Map.of("val_loss", loss, "val_bits_per_byte", bits));
        line.println(String.format(Locale.ROOT, "step %,d: validation loss %.4f nats/token, %.4f bits/byte", step,
                loss, bits));
    }

    @Override
    public void checkpoint(double validationLoss, DivergenceGuard.Memory guard) {
        checkpoints.save(seconds(), validationLoss, guard);
        atCheckpoint.run();
    }

    @Override
    public void finish() {
        line.finish();
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
