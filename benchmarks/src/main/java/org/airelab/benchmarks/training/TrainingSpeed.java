package org.airelab.benchmarks.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.data.TokenBatch;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.torch.Devices;
import org.airelab.train.KernelChoice;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.TrainingSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lab train-speed}. */
@Command(name = "train-speed", description = "Train a Llama-style decoder on random tokens and print its speed and memory"
        + " as one JSON line.", footer = {"  lab train-speed --dim 64 --layers 5 --heads 8 --kv-heads 4 --context 512 --vocab 512",
            "  lab train-speed --kernels torch --steps 50"})
public final class TrainingSpeed implements LabCommand {
    private static final long MIB = 1 << 20;

    @Option(names = "--dim", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int dim = 64;
    @Option(names = "--layers", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int layers = 5;
    @Option(names = "--heads", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int heads = 8;
    @Option(names = "--kv-heads", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int kvHeads = 4;
    @Option(names = "--hidden", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int hidden = 172;
    @Option(names = "--context", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int context = 512;
    @Option(names = "--vocab", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int vocab = 512;
    @Option(names = "--batch", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int batch = 8;
    @Option(names = "--steps", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int steps = 20;
    @Option(names = "--warmup", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private int warmup = 10;
    @Option(names = "--kernels", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private KernelChoice kernels = KernelChoice.AUTO;
    @Option(names = "--precision", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
    private Precision precision = Precision.FP32;
    @Option(names = "--device", paramLabel = "DEVICE", description = "auto, cpu, cuda or cuda:N. Default: ${DEFAULT-VALUE}.")
    private String device = "auto";

    @Override
    public CommandGroup group() {
        return CommandGroup.KERNELS;
    }

    @Override
    public Integer call() throws IOException {
        ModelConfig config = configuration();
        TrainingSession.Setup setup = new TrainingSession.Setup(Devices.parse(device), precision, kernels, false, 1);
        Schedule schedule = new Schedule(Schedule.Decay.CONSTANT, 0, warmup + steps, 1e-3, 0);
        double[] seconds = new double[steps];
        SplittableRandom random = new SplittableRandom(1);
        try (TrainingSession session = new TrainingSession(setup, config, OptimizerConfig.adamW(1e-3), schedule)) {
            for (int step = 0; step < warmup + steps; step++) {
                List<TokenBatch> batches = List.of(batch(random));
                long start = System.nanoTime();
                session.trainer().step(batches);
                if (step >= warmup) {
                    seconds[step - warmup] = (System.nanoTime() - start) / 1e9;
                }
            }
            Arrays.sort(seconds);
            double median = (seconds[steps / 2] + seconds[(steps - 1) / 2]) / 2;
            System.out.printf(Locale.ROOT, "{\"tokens_per_second\": %.1f, \"median_step_ms\": %.2f, \"peak_rss_mb\": %d,"
                    + " \"parameters\": %d, \"java\": \"%s\", \"threads\": %d, \"steps\": %d}%n", batch * context / median,
                    1000 * median, status("VmHWM:"), session.parameters().parameterCount(), Runtime.version(),
                    Runtime.getRuntime().availableProcessors(), steps);
        }
        return 0;
    }

    private ModelConfig configuration() {
        if (steps < 1 || warmup < 0 || batch < 1) {
            throw UserError.badInput("--steps and --batch must be at least 1 and --warmup at least 0, found " + steps + ", "
                    + batch + " and " + warmup + ".", "Leave them out to take their defaults.");
        }
        try {
            return new ModelConfig(vocab, context, dim, layers, heads, kvHeads, hidden, Norm.RMS, NormPlacement.PRE, 1e-5,
                    Positions.ROPE_HALF, 10_000, FeedForwardKind.SWIGLU, false, true, 0);
        } catch (IllegalArgumentException e) {
            throw UserError.badInput("There is no such model: " + e.getMessage() + ".", "Change that option.", e);
        }
    }

    private TokenBatch batch(SplittableRandom random) {
        int n = batch * context;
        return new TokenBatch(batch, context, random.ints(n, 0, vocab).asLongStream().toArray(),
                random.ints(n, 0, vocab).asLongStream().toArray());
    }

    /** A memory figure of this process in MiB. */
    private static long status(String key) throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith(key))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024 / MIB).findFirst().orElse(0);
        }
    }
}
