package org.airelab.distributed.pretrain;

import ai.djl.Device;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Progress;
import org.airelab.config.Configurations;
import org.airelab.data.DataLoader;
import org.airelab.data.DataPreparation;
import org.airelab.data.DataSpec;
import org.airelab.data.DatasetManifest;
import org.airelab.data.PreparedData;
import org.airelab.data.Split;
import org.airelab.data.TokenDataset;
import org.airelab.data.TokenizerChoice;
import org.airelab.tokenizer.Tokenizer;
import org.airelab.torch.Devices;
import org.airelab.tracking.LossPlot;
import org.airelab.tracking.RunDirectory;
import org.airelab.tracking.RunManifest;
import org.airelab.tracking.RunSummary;
import org.airelab.train.PeakFlops;
import org.airelab.train.TrainingSession;

/**
 * One pre-training run from data to summary. What decides its result is in the run's folder before the first step, so
 * that a killed run is resumed from the folder alone.
 */
final class Pretraining {
    static final String CONFIG = "config.yaml";
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
        Devices.parse(asked.run().device());
        PreparedData data = prepare(asked, chosenTokenizer(asked));
        PretrainConfig config = asked.withVocabSize(data.manifest().vocabularySize());
        AtomicFiles.write(run.file(TOKENIZER), temporary -> Files.copy(data.tokenizerJson(), temporary,
                StandardCopyOption.REPLACE_EXISTING));
        AtomicFiles.writeString(run.file(MODEL), Configurations.toYaml(config.model()));
        AtomicFiles.writeString(run.file(CONFIG), Configurations.toYaml(config));
        return new Pretraining(config, run, data).train();
    }

    /** Trains a run that was cut off to its end, by its own configuration. */
    static int resume(PretrainConfig config, RunDirectory run) throws IOException {
        PreparedData data = prepare(config, chosenTokenizer(config));
        String own = Tokenizer.load(run.file(TOKENIZER)).hash();
        if (!data.manifest().tokenizerHash().equals(own)) {
            data = prepare(config, new TokenizerChoice.Existing(run.file(TOKENIZER)));
        }
        return new Pretraining(config, run, data).train();
    }

    private static TokenizerChoice chosenTokenizer(PretrainConfig config) {
        return config.data().tokenizer().isEmpty() ? new TokenizerChoice.Train(config.model().vocabSize())
                : new TokenizerChoice.Existing(Path.of(config.data().tokenizer()));
    }

    private static PreparedData prepare(PretrainConfig config, TokenizerChoice tokenizer) throws IOException {
        String valid = config.data().valid();
        return DataPreparation.prepare(DataSpec.parse(config.data().train()),
                valid.isEmpty() ? Optional.empty() : Optional.of(DataSpec.parse(valid)), tokenizer,
                DataPreparation.defaultCacheFolder());
    }

    private int train() throws IOException {
        String configHash = Configurations.hash(config);
        Device device = Devices.parse(config.run().device());
        DatasetManifest manifest = data.manifest();
        RunManifest record = RunManifest.open(run.file("manifest.json"), new RunManifest.Subject(config.preset(),
                config.train().seed(), device.toString(), 1, configHash, manifest.key(), manifest.tokenizerHash()),
                ProcessHandle.current().info().arguments().map(List::of).orElse(List.of()));
        TrainingSession.Setup setup = new TrainingSession.Setup(device, config.run().precision(), config.run().kernels(),
                config.train().checkpointing(), config.train().seed());
        RunManifest.Status status = RunManifest.Status.FAILED;
        try (TrainingSession session = new TrainingSession(setup, config.model(), config.optimizer(), config.learningRates());
                TokenDataset train = TokenDataset.open(data.folder(), Split.TRAIN);
                TokenDataset valid = TokenDataset.open(data.folder(), Split.VALIDATION);
                DataLoader loader = new DataLoader(train, config.model().contextLength(), config.train().seed())) {
            RunCheckpoints checkpoints = new RunCheckpoints(run.root(), config.run().keepCheckpoints(), session, configHash);
            double earlier = checkpoints.restore(warning -> out.println("warning: " + warning)).orElse(0.0);
            PeakFlops peak = PeakFlops.measure(session.manager(), config.run().precision().computed());
            announce(session, peak);
            Validation validation = new Validation(valid, config.model().contextLength(), config.train().batchSize(),
                    config.run().evalTokens());
            try (RunMetrics metrics = new RunMetrics(run, session.trainer().step())) {
                TrainingLoop loop = new TrainingLoop(config, new TrainingLoop.Parts(session, loader, validation, metrics,
                        checkpoints, record::update, peak, new LiveLine(out, Progress.terminal(), config.train().steps()),
                        earlier));
                double loss = loop.run();
                finish(session, loop, loss, validation.bitsPerByte(loss));
            }
            status = RunManifest.Status.FINISHED;
            return 0;
        } finally {
            record.end(status);
        }
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
                warning -> out.println("warning: " + warning));
        out.printf(Locale.ROOT, "%ndone       %,d steps in %s, %s tokens/s%n", session.trainer().step(),
                Progress.duration(loop.seconds()), Progress.count(loop.tokensPerSecond()));
        out.printf(Locale.ROOT, "loss       validation %.4f nats/token, %.4f bits/byte%s%n", loss, bitsPerByte,
                floor.isPresent() ? String.format(Locale.ROOT, ", %.4f above the entropy floor %.4f", loss - floor.getAsDouble(),
                        floor.getAsDouble()) : "");
        out.println("files      " + run.root() + "  (loss.png, summary.json, metrics.jsonl, samples, checkpoints)");
        String sample = SampleText.write(run.root(), run.file("samples/final.txt"), session.manager().getDevice(),
                config.train().seed(), warning -> out.println("warning: " + warning));
        out.println("sample     " + sample.replace("\n", "\n           "));
        out.println("more       lab generate " + run.root());
    }
}
