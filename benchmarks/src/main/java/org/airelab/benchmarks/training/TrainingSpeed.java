package org.airelab.benchmarks.training;

import ai.djl.Device;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.benchmarks.report.Quantiles;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.data.TokenBatch;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelPresets;
import org.airelab.torch.Devices;
import org.airelab.tracking.Versions;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelFlops;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.TrainingSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lab train-speed}. */
@Command(name = "train-speed", description = "Train a decoder on random tokens and print its speed and memory as one"
        + " JSON line.", footer = {"  lab train-speed --layers 2 --context 256 --steps 50",
            "  lab train-speed --preset gpt2-124m --device cuda --precision bf16 --batch 32"})
public final class TrainingSpeed implements LabCommand {
    private static final long MIB = 1 << 20;

    @Spec
    private CommandSpec spec;
    @Option(names = "--preset", paramLabel = "NAME", description = "Sizes where none are given: one of"
            + " ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.", completionCandidates = Presets.class)
    private String preset = "stories260k";
    @Option(names = "--dim", paramLabel = "N", description = "Width of the model. Default: the preset's.")
    private Integer dim;
    @Option(names = "--layers", paramLabel = "N", description = "Layers of the model. Default: the preset's.")
    private Integer layers;
    @Option(names = "--heads", paramLabel = "N", description = "Heads of queries. Default: the preset's.")
    private Integer heads;
    @Option(names = "--kv-heads", paramLabel = "N", description = "Heads of keys and values. Default: the"
            + " preset's.")
    private Integer kvHeads;
    @Option(names = "--hidden", paramLabel = "N", description = "Width of the feed-forward layers. Default: the"
            + " preset's.")
    private Integer hidden;
    @Option(names = "--context", paramLabel = "N", description = "Tokens of a sequence. Default: the preset's.")
    private Integer context;
    @Option(names = "--vocab", paramLabel = "N", description = "Tokens there are. Default: the preset's.")
    private Integer vocab;
    @Option(names = "--batch", paramLabel = "N", description = "Sequences of a step. Default: ${DEFAULT-VALUE}.")
    private int batch = 8;
    @Option(names = "--steps", paramLabel = "N", description = "Steps that are timed. Default: ${DEFAULT-VALUE}.")
    private int steps = 20;
    @Option(names = "--warmup", paramLabel = "N", description = "Steps before them. Default: ${DEFAULT-VALUE}.")
    private int warmup = 10;
    @Option(names = "--kernels", paramLabel = "KIND", description = "auto, ours or torch. Default: auto.")
    private KernelChoice kernels = KernelChoice.AUTO;
    @Option(names = "--precision", paramLabel = "TYPE", description = "fp32, bf16, fp16 or fp64. Default: fp32.")
    private Precision precision = Precision.FP32;
    @Option(names = "--device", paramLabel = "DEVICE", description = "auto, cpu, cuda or cuda:N. Default:"
            + " ${DEFAULT-VALUE}.")
    private String device = "auto";
    @Option(names = "--peak-tflops", paramLabel = "N", description = "What the device could do, to print the MFU.")
    private Double peakTflops;

    /** The names of the presets, for help and completion. */
    static final class Presets implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return ModelPresets.all().keySet().iterator();
        }
    }

    /** One line of JSON; what the peer in Python prints has the same names. */
    private record Result(double tokensPerSecond, double medianStepMs, double modelTflops, Double mfu, double loss,
            long peakRssMb, Long gpuUsedMb, String gpu, long parameters, String kernels, String java, String libtorch,
            int threads, int steps) {
    }

    @Override
    public CommandGroup group() {
        return CommandGroup.KERNELS;
    }

    @Override
    public Integer call() throws IOException {
        ModelConfig config = configuration();
        Device where = Devices.parse(device);
        TrainingSession.Setup setup = new TrainingSession.Setup(where, precision, kernels, false, 1);
        Schedule schedule = new Schedule(Schedule.Decay.CONSTANT, 0, warmup + steps, 1e-3, 0);
        double[] seconds = new double[steps];
        SplittableRandom random = new SplittableRandom(1);
        try (TrainingSession session = new TrainingSession(setup, config, OptimizerConfig.adamW(1e-3), schedule);
                CudaDevice gpu = where.isGpu() ? CudaDevice.open(where.getDeviceId()) : null) {
            double loss = Double.NaN;
            for (int step = 0; step < warmup + steps; step++) {
                List<TokenBatch> batches = List.of(batch(config, random));
                long start = System.nanoTime();
                loss = session.trainer().step(batches).loss();
                if (gpu != null) {
                    gpu.synchronize();
                }
                if (step >= warmup) {
                    seconds[step - warmup] = (System.nanoTime() - start) / 1e9;
                }
            }
            PrintWriter out = spec.commandLine().getOut();
            out.println(Json.MAPPER.writeValueAsString(result(config, session, gpu, seconds, loss)));
            out.flush();
        }
        return 0;
    }

    private Result result(ModelConfig config, TrainingSession session, CudaDevice gpu, double[] seconds, double loss)
            throws IOException {
        double median = Quantiles.median(seconds);
        double tokens = batch * config.contextLength() / median;
        double tflops = 1e-12 * ModelFlops.perToken(config) * tokens;
        return new Result(tokens, 1000 * median, tflops, peakTflops == null ? null : tflops / peakTflops, loss,
                peakResident(), gpu == null ? null : (gpu.memoryBytes() - gpu.freeBytes()) / MIB,
                gpu == null ? null : gpu.name(), session.parameters().parameterCount(), session.kernels(),
                Runtime.version().toString(), Versions.detect().get("libtorch"),
                Runtime.getRuntime().availableProcessors(), steps);
    }

    private ModelConfig configuration() {
        if (steps < 1 || warmup < 0 || batch < 1) {
            throw UserError.badInput("--steps and --batch must be at least 1 and --warmup at least 0, found " + steps
                    + ", " + batch + " and " + warmup + ".", "Leave them out to take their defaults.");
        }
        ModelConfig p = ModelPresets.all().get(preset);
        if (p == null) {
            throw UserError.badInput("There is no preset " + preset + ".", "Choose one of "
                    + String.join(", ", ModelPresets.all().keySet()) + ".");
        }
        try {
            return new ModelConfig(or(vocab, p.vocabSize()), or(context, p.contextLength()), or(dim, p.dim()),
                    or(layers, p.layers()), or(heads, p.heads()), or(kvHeads, p.kvHeads()), or(hidden, p.hiddenDim()),
                    p.norm(), p.normPlacement(), p.normEps(), p.positions(), p.ropeTheta(), p.feedForward(), p.bias(),
                    p.tieEmbeddings(), p.dropout());
        } catch (IllegalArgumentException e) {
            throw UserError.badInput("There is no such model: " + e.getMessage() + ".", "Change that option.", e);
        }
    }

    private static int or(Integer given, int preset) {
        return given == null ? preset : given;
    }

    private TokenBatch batch(ModelConfig config, SplittableRandom random) {
        return new TokenBatch(batch, config.contextLength(), tokens(config, random), tokens(config, random));
    }

    private long[] tokens(ModelConfig config, SplittableRandom random) {
        return random.ints((long) batch * config.contextLength(), 0, config.vocabSize()).asLongStream().toArray();
    }

    /** The most memory this process has had, in MiB. */
    private static long peakResident() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024 / MIB).findFirst().orElse(0);
        }
    }
}
