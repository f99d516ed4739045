package org.airelab.distributed.pretrain;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.airelab.base.Nearest;
import org.airelab.base.ShutdownHook;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.Lab;
import org.airelab.cli.LabCommand;
import org.airelab.config.Configurations;
import org.airelab.config.Setting;
import org.airelab.distributed.dataparallel.BatchShare;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.launch.Launcher;
import org.airelab.distributed.launch.LauncherWatch;
import org.airelab.distributed.launch.RunFolder;
import org.airelab.distributed.launch.World;
import org.airelab.distributed.parallel.Division;
import org.airelab.distributed.parallel.Ranks;
import org.airelab.tracking.RunDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lab pretrain}. */
@Command(name = "pretrain", description = {
    "Train a language model from scratch and write a run directory: checkpoints, metrics, a picture of the loss, text.",
    "Without a preset: a small model learns built-in stories in about a minute, with nothing to download."},
        footer = {"  lab pretrain",
            "  lab pretrain stories260k --data text:stories.txt --steps 300 --out runs/mine",
            "  lab pretrain stories15m --data tinystories --set optimizer.learning_rate=5e-4",
            "  lab pretrain --resume runs/mine",
            "  lab pretrain stories15m --nproc 2 --max-restarts 3",
            "  lab pretrain stories110m --nproc 8 --mesh tp=2,pp=2 --accumulation 8",
            "  mpirun -n 2 lab pretrain stories15m --out runs/mine"})
public final class PretrainCommand implements LabCommand {
    private static final Path RUNS = Path.of("runs");

    @Parameters(arity = "0..1", paramLabel = "PRESET", description = "One of: quickstart, stories260k, stories15m,"
            + " stories42m, stories110m, gpt2-124m. Default: quickstart.")
    private String preset;

    @Option(names = "--data", paramLabel = "SPEC",
            description = "What to learn from: synthetic, tinystories, or text:PATH (a file or a folder).")
    private String data;

    @Option(names = "--valid", paramLabel = "SPEC",
            description = "What to validate on. Default: a part of the training text, document by document.")
    private String valid;

    @Option(names = "--tokenizer", paramLabel = "FILE",
            description = "A tokenizer.json. Default: one trained on the training text.")
    private String tokenizer;

    @Option(names = "--vocab-size", paramLabel = "N", description = "Size of the tokenizer that is trained.")
    private String vocabSize;

    @Option(names = "--steps", paramLabel = "N", description = "Optimizer steps.")
    private String steps;

    @Option(names = "--batch-size", paramLabel = "N", description = "Sequences of a forward pass.")
    private String batchSize;

    @Option(names = "--accumulation", paramLabel = "N", description = "Forward passes of an optimizer step.")
    private String accumulation;

    @Option(names = "--learning-rate", paramLabel = "X", description = "Peak learning rate.")
    private String learningRate;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of weights, data order and dropout.")
    private String seed;

    @Option(names = "--device", paramLabel = "DEVICE", description = "auto, cpu, cuda or cuda:N. Default: auto.")
    private String device;

    @Option(names = "--precision", paramLabel = "P", description = "fp32, bf16, fp16 or fp64. Default: fp32.")
    private String precision;

    @Option(names = "--kernels", paramLabel = "K", description = "auto, ours or torch. Default: auto, which is ours"
            + " on a GPU, and on a CPU in fp32.")
    private String kernels;

    @Option(names = "--config", paramLabel = "FILE",
            description = "A YAML file over the preset; see a run's config.yaml.")
    private Path config;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Any other key of the configuration.")
    private List<String> set = new ArrayList<>();

    @Option(names = "--out", paramLabel = "DIR", description = "The run's folder. Default: runs/<preset>-<time>.")
    private Path out;

    @Option(names = "--overwrite", description = "Start over when --out holds a run.")
    private boolean overwrite;

    @Option(names = "--resume", arity = "0..1", fallbackValue = "", paramLabel = "RUN",
            description = "Continue a run from its newest whole checkpoint, with its own configuration. With --out DIR"
                    + " and no RUN: continue the run in DIR, or start it when there is none yet.")
    private String resume;

    @Mixin
    private RankOptions rankOptions = new RankOptions();

    @Spec
    private CommandSpec spec;

    @Override
    public CommandGroup group() {
        return CommandGroup.TRAIN;
    }

    @Override
    public Integer call() throws Exception {
        requireNoContradiction();
        rankOptions.check();
        World world = World.of(System.getenv());
        Path begun = begunRun();
        PretrainConfig asked = begun == null ? configuration() : saved(begun);
        if (rankOptions.launches(world)) {
            // What they would all refuse is refused before any of them is started.
            Division division = rankOptions.division(rankOptions.ranks());
            BatchShare share = BatchShare.of(asked.train().batchSize(), asked.train().accumulation(), 0,
                    division.mesh().dp());
            division.require(asked.model(), share.passes());
            return launch();
        }
        LauncherWatch.start();
        try (Ranks ranks = rankOptions.meet(world, asked.run().device())) {
            try {
                return world.rank() == 0 ? lead(asked, begun, ranks, world.source()) : follow(asked, begun, ranks);
            } catch (RuntimeException | IOException | Error e) {
                rankOptions.stopped();
                ranks.stopped(e);
                if (e instanceof UserError error && ranks.size() > 1) {
                    throw Failures.ofRank(ranks.rank(), error);
                }
                throw e;
            }
        }
    }

    /** The part of rank 0. */
    private int lead(PretrainConfig asked, Path begun, Ranks ranks, World.Source starter) throws IOException {
        try (RunDirectory run = runDirectory(asked, begun);
                ShutdownHook _ = new ShutdownHook("resumption", farewell(run.root(), starter))) {
            return begun != null ? Pretraining.resume(asked, run, ranks) : Pretraining.start(asked, run, ranks);
        }
    }

    private RunDirectory runDirectory(PretrainConfig asked, Path begun) {
        if (begun != null) {
            return RunDirectory.open(begun, RunDirectory.Existing.RESUME);
        }
        return out == null ? RunDirectory.create(RUNS, asked.preset())
                : RunDirectory.open(out, overwrite ? RunDirectory.Existing.OVERWRITE : RunDirectory.Existing.REFUSE);
    }

    /** What this process says when it is interrupted; of ranks of our own launcher it is the launcher that says it. */
    private Runnable farewell(Path folder, World.Source starter) {
        return LauncherWatch.launched() ? () -> { } : resumption(runFolder(folder), starter)::tell;
    }

    private RunFolder runFolder(Path folder) {
        return overwrite ? RunFolder.startedOver(folder) : RunFolder.of(folder);
    }

    private Resumption resumption(RunFolder run, World.Source starter) {
        return Resumption.of(run, spec.commandLine().getParseResult(), starter);
    }

    private static int follow(PretrainConfig asked, Path begun, Ranks ranks) throws IOException {
        return begun != null ? FollowingRank.resume(asked, begun, ranks) : FollowingRank.start(asked, ranks);
    }

    /** Starts this command once a rank. */
    private int launch() throws IOException, InterruptedException {
        List<String> first = new ArrayList<>(spec.root().commandLine().getParseResult().originalArgs());
        Path folder = out != null ? out : resume != null ? Path.of(resume)
                : RunDirectory.unused(RUNS, preset == null ? PretrainPresets.DEFAULT : preset);
        if (out == null && resume == null) {
            first.addAll(List.of("--out", folder.toString()));
        }
        List<String> again = new ArrayList<>(first);
        again.removeIf("--overwrite"::equals);
        if (resume == null) {
            again.add("--resume");
        }
        RunFolder run = runFolder(folder);
        return Launcher.run(new Launcher.Plan(rankOptions.ranks(), rankOptions.restarts(), run, Lab.class, first,
                again, resumption(run, World.Source.NONE)::tell));
    }

    /** The folder of the run to go on with; null when one is to be started. */
    private Path begunRun() {
        if (resume == null) {
            return null;
        }
        Path folder = resumeFolder();
        if (!RunDirectory.isRun(folder) && !resume.isEmpty()) {
            throw UserError.badInput(folder + " holds no run to resume: it has no manifest.json.",
                    "Give the folder of a run, or leave --resume out to start one.");
        }
        return RunDirectory.isRun(folder) ? folder : null;
    }

    private void requireNoContradiction() {
        if (resume != null && overwrite) {
            throw UserError.badInput("--resume continues a run and --overwrite starts it over; both were given.",
                    "Leave one of them out.");
        }
        if (resume != null && !resume.isEmpty() && out != null) {
            throw UserError.badInput("--resume " + resume + " continues the run there and --out " + out
                    + " names another folder; both were given.", "Leave one of them out.");
        }
        if (tokenizer != null && vocabSize != null) {
            throw UserError.badInput("--tokenizer brings its own vocabulary and --vocab-size is of one that is trained;"
                    + " both were given.", "Leave one of them out.");
        }
    }

    private Path resumeFolder() {
        if (!resume.isEmpty()) {
            return Path.of(resume);
        }
        if (out == null) {
            throw UserError.badInput("--resume names no run.",
                    "Use --resume RUN, or --resume together with --out RUN.");
        }
        return out;
    }

    private PretrainConfig saved(Path run) {
        PretrainConfig saved = Configurations.load(PretrainConfig.class,
                PretrainPresets.all().get(PretrainPresets.DEFAULT), run.resolve(PretrainConfig.FILE), List.of());
        requireSame(saved);
        return saved;
    }

    /** A run goes on as it began: what is given beside --resume may repeat its configuration and not change it. */
    private void requireSame(PretrainConfig saved) {
        if (preset != null && !preset.equals(saved.preset())) {
            throw changed("the preset " + preset);
        }
        if (same(saved, config, overrides())) {
            return;
        }
        for (Setting override : overrides()) {
            if (!same(saved, null, List.of(override))) {
                throw changed(override.toString());
            }
        }
        throw changed("--config " + config);
    }

    private static boolean same(PretrainConfig saved, Path file, List<Setting> overrides) {
        // The vocabulary that was asked for and that of the tokenizer that came of it may differ.
        return Configurations.load(PretrainConfig.class, saved, file, overrides).withAbsolutePaths()
                .withVocabSize(saved.model().vocabSize()).equals(saved);
    }

    private static UserError changed(String what) {
        return UserError.badInput("a resumed run keeps its configuration, which " + what + " would change.",
                "Leave it out, or start a new run.");
    }

    private PretrainConfig configuration() {
        String name = preset == null ? PretrainPresets.DEFAULT : preset;
        PretrainConfig defaults = PretrainPresets.all().get(name);
        if (defaults == null) {
            Set<String> known = PretrainPresets.all().keySet();
            throw UserError.badInput("unknown preset " + name + "; known are " + String.join(", ", known) + ".",
                    Nearest.to(name, known).map(n -> "Did you mean " + n + "?")
                            .orElse("Choose one of them, or describe the model with --config."));
        }
        return Configurations.load(PretrainConfig.class, defaults, config, overrides());
    }

    /** The options as keys of the configuration; {@code --set} comes last and so wins. */
    private List<Setting> overrides() {
        List<Setting> overrides = Setting.given(new Setting("--data", "data.train", data),
                new Setting("--valid", "data.valid", valid), new Setting("--tokenizer", "data.tokenizer", tokenizer),
                new Setting("--vocab-size", "model.vocab_size", vocabSize),
                new Setting("--steps", "train.steps", steps),
                new Setting("--batch-size", "train.batch_size", batchSize),
                new Setting("--accumulation", "train.accumulation", accumulation),
                new Setting("--seed", "train.seed", seed),
                new Setting("--learning-rate", "optimizer.learning_rate", learningRate),
                new Setting("--device", "run.device", device), new Setting("--precision", "run.precision", precision),
                new Setting("--kernels", "run.kernels", kernels));
        set.stream().map(Setting::parse).forEach(overrides::add);
        return overrides;
    }
}
