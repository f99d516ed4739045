package org.airelab.distributed.pretrain;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Progress;
import org.airelab.base.Terminal;
import org.airelab.base.UserError;
import org.airelab.config.Configurations;
import org.airelab.data.DataLoader;
import org.airelab.data.PreparedData;
import org.airelab.data.Split;
import org.airelab.data.TokenDataset;
import org.airelab.tokenizer.Tokenizer;
import org.airelab.torch.Devices;
import org.airelab.torch.OutOfMemory;
import org.airelab.tracking.LossPlot;
import org.airelab.tracking.RunDirectory;
import org.airelab.tracking.RunManifest;
import org.airelab.tracking.RunSummary;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.PeakFlops;
import org.airelab.train.TrainingSession;

/**
 * One pre-training run from data to summary. What decides its result is in the run's folder before the first step, so
 * that a killed run is resumed from the folder alone.
 */
final class Pretraining {
    static final String CONFIG = "config.yaml";
    private static final String MANIFEST = "manifest.json";
    private static final String MODEL = "model.yaml";
    private static final String TOKENIZER = "tokenizer.json";

    private final PretrainConfig config;
    private final RunDirectory run;
    private final PreparedData data;
    private final PrintStream out = System.out;

    private Pretraining(PretrainConfig config, RunDirectory run, PreparedData data) {
        this.config = config;
        this.run = run;
        this.data = data;
    }

    /** Trains a new run to its end. */
    static int start(PretrainConfig asked, RunDirectory run) throws IOException {
        MemoryNeed.of(asked).check(setup(asked).device());
        PreparedData data = PretrainData.prepare(asked);
        PretrainConfig config = asked.withAbsolutePaths().withVocabSize(data.manifest().vocabularySize());
        return new Pretraining(config, run, data).train(true);
    }

    /** Trains a run that was cut off to its end, by its own configuration; one that has ended is left as it is. */
    static int resume(PretrainConfig config, RunDirectory run) throws IOException {
        RunManifest.Standing standing = RunManifest.standing(run.file(MANIFEST));
        PretrainData.requireUnchanged(run.file(CONFIG), standing.configSha256(), Configurations.hash(config));
        PretrainData.requireUnchanged(run.file(TOKENIZER), standing.tokenizerSha256(),
                Tokenizer.load(run.file(TOKENIZER)).hash());
        if (standing.status() == RunManifest.Status.FINISHED
                && RunCheckpoints.reached(run.root(), config.train().steps())) {
            System.out.println("done       " + run.root() + " has finished already; see its summary.json");
            return 0;
        }
        MemoryNeed.of(config).check(setup(config).device());
        return new Pretraining(config, run, PretrainData.same(config, run.file(TOKENIZER), standing)).train(false);
    }

    private static TrainingSession.Setup setup(PretrainConfig config) {
        return new TrainingSession.Setup(Devices.parse(config.run().device()), config.run().precision(),
                config.run().kernels(), config.train().checkpointing(), config.train().seed());
    }

    private int train(boolean fresh) throws IOException {
        try (TrainingSession session = new TrainingSession(setup(config), config.model(), config.optimizer(),
                config.learningRates());
                TokenDataset train = TokenDataset.open(data.folder(), Split.TRAIN);
                TokenDataset valid = TokenDataset.open(data.folder(), Split.VALIDATION);
                DataLoader loader = new DataLoader(train, config.model().contextLength(), config.train().seed())) {
            Validation validation = new Validation(valid, config.model().contextLength(), config.train().batchSize(),
                    config.run().evalTokens());
            RunCheckpoints checkpoints = new RunCheckpoints(run.root(), config.run().keepCheckpoints(), session,
                    Configurations.hash(config));
            DivergenceGuard guard = new DivergenceGuard(config.run().divergenceScore());
            double earlier = fresh ? 0 : checkpoints.restore(guard, Pretraining::warn).orElse(0.0);
            RunManifest record = begin(fresh, session.manager().getDevice());
            // Ctrl-C, or a scheduler that needs the machine: the manifest says so, the newest checkpoint is there.
            Thread interrupted = new Thread(() -> record.end(RunManifest.Status.INTERRUPTED), "interrupted");
            Runtime.getRuntime().addShutdownHook(interrupted);
            try {
                learn(session, loader, validation, checkpoints, guard, record, earlier);
                record.end(RunManifest.Status.FINISHED);
                return 0;
            } catch (EngineException e) {
                RuntimeException cause = OutOfMemory.orElse(e);
                stopped(cause, record, fresh && checkpoints.none());
                throw cause;
            } catch (RuntimeException | IOException | Error e) {
                stopped(e, record, fresh && checkpoints.none());
                throw e;
            } finally {
                forget(interrupted);
            }
        } catch (EngineException e) {
            throw OutOfMemory.orElse(e);
        }
    }

    /** From here on the folder is this run's: all before can fail and leaves it as it was. */
    private RunManifest begin(boolean fresh, Device device) throws IOException {
        if (fresh) {
            run.clear();
            AtomicFiles.write(run.file(TOKENIZER), temporary -> Files.copy(data.tokenizerJson(), temporary,
                    StandardCopyOption.REPLACE_EXISTING));
            AtomicFiles.writeString(run.file(MODEL), Configurations.toYaml(config.model()));
            AtomicFiles.writeString(run.file(CONFIG), Configurations.toYaml(config));
        }
        return RunManifest.open(run.file(MANIFEST), new RunManifest.Subject(config.preset(), config.train().seed(),
                Devices.name(device), 1, Configurations.hash(config), data.manifest().key(),
                data.manifest().tokenizerHash()), ProcessHandle.current().info().arguments().map(List::of).orElse(List.of()));
    }

    private void learn(TrainingSession session, DataLoader loader, Validation validation, RunCheckpoints checkpoints,
            DivergenceGuard guard, RunManifest record, double earlier) throws IOException {
        PeakFlops peak = PeakFlops.measure(session.manager(), config.run().precision().computed(), config.model());
        announce(session, peak);
        // Preparing the data has stretched the heap over memory that from here on tensors need.
        System.gc();
        try (RunMetrics metrics = new RunMetrics(run, session.trainer().step())) {
            TrainingLoop loop = new TrainingLoop(config, new TrainingLoop.Parts(session, loader, validation, metrics,
                    checkpoints, guard, record::update, peak, new LiveLine(out, Terminal.output(), config.train().steps()),
                    earlier));
            double loss = loop.run();
            finish(session, loop, loss, validation.bitsPerByte(loss));
            sample(session, metrics);
        }
    }

    /**
     * A run that diverged is a result, and one with a checkpoint can be resumed; an error of another kind leaves all
     * there is to look at. What stopped before the first checkpoint for want of memory or disk leaves nothing, so that
     * the same command can be given again.
     */
    private void stopped(Throwable cause, RunManifest record, boolean noCheckpoint) {
        boolean machine = cause instanceof UserError error && error.exitCode() == UserError.MACHINE
                || cause instanceof OutOfMemoryError;
        try {
            if (noCheckpoint && machine) {
                run.clear();
            } else {
                record.end(RunManifest.Status.FAILED);
            }
        } catch (UserError e) {
            cause.addSuppressed(e);
        }
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending already: the hook has run, or will.
        }
    }

    private static void warn(String warning) {
        System.err.println("warning: " + warning);
    }

    private void announce(TrainingSession session, PeakFlops peak) {
        out.println("run        " + run.root());
        RunHeader.describe(config, data.manifest(), session, peak).forEach(out::println);
        if (session.trainer().step() > 0) {
            out.printf(Locale.ROOT, "resumed    after step %,d%n", session.trainer().step());
        }
        out.println();
    }

    private void finish(TrainingSession session, TrainingLoop loop, double loss, double bitsPerByte)
            throws IOException {
        OptionalDouble floor = data.manifest().entropyFloor();
        Map<String, Object> extras = new LinkedHashMap<>();
        extras.put("seconds", loop.seconds());
        extras.put("peak_resident_mb", Memory.peakResident());
        new RunSummary(OptionalDouble.of(loss), OptionalDouble.of(bitsPerByte), floor, loop.tokensPerSecond(),
                session.trainer().step(), session.parameters().parameterCount(), extras).write(run.file("summary.json"));
        LossPlot.write(run.file(RunMetrics.FILE), floor, config.preset(), run.file("loss.png"),
                Pretraining::warn);
        out.printf(Locale.ROOT, "%ndone       %,d steps in %s, %s tokens/s%n", session.trainer().step(),
                Progress.duration(loop.seconds()), Progress.count(loop.tokensPerSecond()));
        out.printf(Locale.ROOT, "loss       validation %.4f nats/token, %.4f bits/byte%s%n", loss, bitsPerByte,
                floor.isPresent() ? String.format(Locale.ROOT, ", %.4f above the entropy floor %.4f", loss - floor.getAsDouble(),
                        floor.getAsDouble()) : "");
        out.println("files      " + run.root() + "  (loss.png, summary.json, metrics.jsonl, samples, checkpoints)");
    }

    private void sample(TrainingSession session, RunMetrics metrics) throws IOException {
        String sample = SampleText.write(run.root(), run.file("samples/final.txt"), session.manager().getDevice(),
                config.train().seed(), Pretraining::warn);
        metrics.text("sample", session.trainer().step(), sample);
        out.println("sample     " + sample.replace("\n", "\n           "));
        out.println("more       lab generate " + run.root());
    }
}
