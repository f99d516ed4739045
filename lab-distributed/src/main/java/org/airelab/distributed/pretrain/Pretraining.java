package org.airelab.distributed.pretrain;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Progress;
import org.airelab.base.ShutdownHook;
import org.airelab.base.Terminal;
import org.airelab.base.UserError;
import org.airelab.config.Configurations;
import org.airelab.data.PreparedData;
import org.airelab.distributed.parallel.Ranks;
import org.airelab.distributed.launch.LauncherWatch;
import org.airelab.tokenizer.Tokenizer;
import org.airelab.torch.Devices;
import org.airelab.torch.OutOfMemory;
import org.airelab.tracking.LossPlot;
import org.airelab.tracking.RunDirectory;
import org.airelab.tracking.RunManifest;
import org.airelab.tracking.RunSummary;
import org.airelab.train.PeakFlops;
import org.airelab.train.TrainingSession;

/**
 * One pre-training run from data to summary. What decides its result is in the run's folder before the first step, so
 * that a killed run is resumed from the folder alone. Of several ranks this is the part of rank 0, and
 * {@link FollowingRank} that of the others.
 */
final class Pretraining {
    private static final String MODEL = "model.yaml";
    static final String TOKENIZER = "tokenizer.json";

    private final PretrainConfig config;
    private final RunDirectory run;
    private final PreparedData data;
    private final Ranks ranks;
    private final PrintStream out = System.out;

    private Pretraining(PretrainConfig config, RunDirectory run, PreparedData data, Ranks ranks) {
        this.config = config;
        this.run = run;
        this.data = data;
        this.ranks = ranks;
    }

    /** Trains a new run to its end. */
    static int start(PretrainConfig asked, RunDirectory run, Ranks ranks) throws IOException {
        requireMemory(asked, ranks);
        PreparedData data = PretrainData.prepare(asked);
        return new Pretraining(PretrainData.resolved(asked, data), run, data, ranks).train(true);
    }

    /** Trains a run that was cut off to its end, by its own configuration; one that has ended is left as it is. */
    static int resume(PretrainConfig config, RunDirectory run, Ranks ranks) throws IOException {
        RunManifest.Standing standing = RunManifest.standing(run.file(RunDirectory.MANIFEST));
        PretrainData.requireUnchanged(run.file(PretrainConfig.FILE), standing.configSha256(),
                Configurations.hash(config));
        PretrainData.requireUnchanged(run.file(TOKENIZER), standing.tokenizerSha256(),
                Tokenizer.load(run.file(TOKENIZER)).hash());
        if (finished(config, run.root(), standing)) {
            System.out.println("done       " + run.root() + " has finished already; see its summary.json");
            return 0;
        }
        requireMemory(config, ranks);
        return new Pretraining(config, run, PretrainData.same(config, run.file(TOKENIZER), standing), ranks)
                .train(false);
    }

    private static void requireMemory(PretrainConfig config, Ranks ranks) {
        MemoryNeed.of(config, RankParts.share(config, ranks), ranks.shards(), ranks.mesh()).check(ranks.device());
    }

    /** Whether there is nothing left to do in a run. */
    static boolean finished(PretrainConfig config, Path run, RunManifest.Standing standing) {
        return standing.status() == RunManifest.Status.FINISHED
                && RunCheckpoints.reached(run, config.train().steps());
    }

    private int train(boolean fresh) throws IOException {
        RankParts.use(config, data, ranks, parts -> train(parts, fresh));
        return 0;
    }

    private void train(RankParts parts, boolean fresh) throws IOException {
        ranks.fromFirst(run.root().toAbsolutePath().toString());
        RunCheckpoints checkpoints = new RunCheckpoints(run.root(), config, Configurations.hash(config),
                parts.session(), ranks);
        double earlier = fresh ? 0 : checkpoints.restoreClocks(parts.guard(), Pretraining::warn);
        // The others wait as long as it takes to look whether a checkpoint is whole.
        ranks.barrier();
        ranks.begin(parts.session(), parts.guard());
        checkpoints.restoreBuffers();
        RunManifest record = begin(fresh, parts.session().manager().getDevice());
        // Ctrl-C, or a scheduler that needs the machine: the manifest says so, the newest checkpoint is there.
        try (ShutdownHook interrupted = new ShutdownHook("interrupted",
                () -> record.end(RunManifest.Status.INTERRUPTED))) {
            try {
                learn(parts, checkpoints, record, earlier);
                record.end(RunManifest.Status.FINISHED);
            } catch (EngineException e) {
                RuntimeException cause = OutOfMemory.orElse(e);
                stopped(cause, record, fresh && checkpoints.none());
                throw cause;
            } catch (RuntimeException | IOException | Error e) {
                stopped(e, record, fresh && checkpoints.none());
                throw e;
            }
        }
    }

    /** From here on the folder is this run's: all before can fail and leaves it as it was. */
    private RunManifest begin(boolean fresh, Device device) throws IOException {
        if (fresh) {
            run.clear();
            AtomicFiles.write(run.file(TOKENIZER), temporary -> Files.copy(data.tokenizerJson(), temporary,
                    StandardCopyOption.REPLACE_EXISTING));
            AtomicFiles.writeString(run.file(MODEL), Configurations.toYaml(config.model()));
            AtomicFiles.writeString(run.file(PretrainConfig.FILE), Configurations.toYaml(config));
        }
        return RunManifest.open(run.file(RunDirectory.MANIFEST),
                new RunManifest.Subject(config.preset(), config.train().seed(), Devices.name(device), ranks.size(),
                        Configurations.hash(config), data.manifest().key(), data.manifest().tokenizerHash()),
                ProcessHandle.current().info().arguments().map(List::of).orElse(List.of()));
    }

    private void learn(RankParts parts, RunCheckpoints checkpoints, RunManifest record, double earlier)
            throws IOException {
        TrainingSession session = parts.session();
        PeakFlops peak = PeakFlops.measure(session.manager(), config.run().precision().computed(), config.model());
        announce(session, peak);
        // Preparing the data has stretched the heap over memory that from here on tensors need.
        System.gc();
        try (RunMetrics metrics = new RunMetrics(run, session.trainer().step())) {
            LiveLine line = new LiveLine(out, Terminal.output(), config.train().steps());
            RunJournal journal = new RunJournal(config, parts,
                    new RunJournal.Books(metrics, checkpoints, record::update, line, peak, earlier));
            double loss = new TrainingLoop(config, parts, journal).run();
            finish(parts, journal, loss);
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
                // Without their launcher ranks end, and the first to do so is missing to the others.
                record.end(LauncherWatch.launcherHasDied() ? RunManifest.Status.INTERRUPTED
                        : RunManifest.Status.FAILED);
            }
        } catch (UserError e) {
            cause.addSuppressed(e);
        }
    }

    private static void warn(String warning) {
        System.err.println("warning: " + warning);
    }

    private void announce(TrainingSession session, PeakFlops peak) {
        out.println("run        " + run.root());
        RunHeader.describe(config, data.manifest(), session, peak).forEach(out::println);
        if (ranks.grouped()) {
            out.println("ranks      " + ranks.describe());
            RankMemory memory = RankMemory.of(session);
            out.println("           " + memory);
            out.println("           " + RankMemory.range(ranks.gather(memory.total())));
        }
        if (session.trainer().step() > 0) {
            out.printf(Locale.ROOT, "resumed    after step %,d%n", session.trainer().step());
        }
        out.println();
    }

    private void finish(RankParts parts, RunJournal journal, double loss) throws IOException {
        TrainingSession session = parts.session();
        double bitsPerByte = parts.validation().bitsPerByte(loss);
        OptionalDouble floor = data.manifest().entropyFloor();
        Map<String, Object> extras = new LinkedHashMap<>();
        extras.put("seconds", journal.seconds());
        extras.put("peak_resident_mb", Memory.peakResident());
        if (ranks.size() > 1) {
            extras.put("ranks", ranks.size());
            extras.put("gradient_wait_seconds", ranks.gradientWaitSeconds());
            ranks.communicationWaitSeconds().ifPresent(waited -> extras.put("communication_wait_seconds", waited));
            String bubble = ranks.bubble(parts.share().passes());
            if (!bubble.isEmpty()) {
                out.println("pipeline   " + bubble);
            }
        }
        new RunSummary(OptionalDouble.of(loss), OptionalDouble.of(bitsPerByte), floor, journal.tokensPerSecond(),
                session.trainer().step(), config.model().parameterCount(), extras).write(run.file("summary.json"));
        LossPlot.write(run.file(RunMetrics.FILE), floor, config.preset(), run.file("loss.png"),
                Pretraining::warn);
        out.printf(Locale.ROOT, "%ndone       %,d steps in %s, %s tokens/s%n", session.trainer().step(),
                Progress.duration(journal.seconds()), Progress.count(journal.tokensPerSecond()));
        out.printf(Locale.ROOT, "loss       validation %.4f nats/token, %.4f bits/byte%s%n", loss, bitsPerByte,
                floor.isPresent() ? String.format(Locale.ROOT, ", %.4f above the entropy floor %.4f",
                        loss - floor.getAsDouble(), floor.getAsDouble()) : "");
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
