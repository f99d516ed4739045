package org.airelab.distributed.comm;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.Lab;
import org.airelab.cli.LabCommand;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.launch.BackEnd;
import org.airelab.distributed.launch.Launcher;
import org.airelab.distributed.launch.LauncherWatch;
import org.airelab.distributed.launch.World;
import org.airelab.kernels.cuda.CudaDevice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lab comm-bench}. */
@Command(name = "comm-bench", description = {
    "Check every collective between ranks against known values, then measure time and bandwidth.",
    "Ranks are processes of this host; or those that mpirun, srun or torchrun has started. Leaves with 1 when a result"
        + " is wrong."},
        footer = {"  lab comm-bench", "  lab comm-bench --backend shm --ranks 4 --sizes 4k,100m",
            "  lab comm-bench --backend nccl --ranks 8", "  lab comm-bench --backend shm --device cuda"})
public final class CommBenchCommand implements LabCommand {
    private static final long[] CHECKED_COUNTS = {0, 1, 3, 1000, 100_003};
    private static final int MOST_SECONDS = 3600;

    @Option(names = "--backend", paramLabel = "B", defaultValue = "shm",
            description = "shm (this host's memory), mpi or nccl. Default: ${DEFAULT-VALUE}.")
    private BackEnd backEnd;

    @Option(names = "--device", paramLabel = "D", description = "Whose arrays: cpu, or cuda, whose GPUs ranks may share"
            + " but for nccl. Default: cpu; of nccl cuda.")
    private String device;

    @Option(names = "--ranks", paramLabel = "N",
            description = "Ranks to start on this host. Default: 2; of nccl 1.")
    private Integer number;

    @Option(names = "--sizes", paramLabel = "BYTES", split = ",", defaultValue = "1k,32k,1m,32m,100m",
            description = "Arrays to time, such as 100m (of 1024 * 1024 bytes). Default: ${DEFAULT-VALUE}.")
    private List<String> sizes;

    @Option(names = "--memory", paramLabel = "M", defaultValue = "group", description = "Where timed arrays lie: group,"
            + " where the back end's collectives are fastest, or own, in memory of any kind. Default:"
            + " ${DEFAULT-VALUE}.")
    private Where where;

    @Option(names = "--collectives", paramLabel = "C", split = ",", description = "What to time, of: all-reduce,"
            + " reduce-scatter, all-gather, broadcast, send-receive; rewrite and copy are what the memory itself does."
            + " Default: all.")
    private Set<Timed> chosen = EnumSet.allOf(Timed.class);

    @Option(names = "--warmup", paramLabel = "SECONDS", defaultValue = "0.2",
            description = "Of calls that are not counted, before each row. Default: ${DEFAULT-VALUE}.")
    private double warmUp;

    @Option(names = "--no-check", description = "Only measure.")
    private boolean unchecked;

    @Spec
    private CommandSpec spec;

    /** Of the arrays. */
    private enum Where {
        GROUP, OWN;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Override
    public CommandGroup group() {
        return CommandGroup.MACHINE;
    }

    /** Prints what was checked, and the table. */
    @Override
    public Integer call() throws IOException, InterruptedException {
        long[] bytes = sizes.stream().mapToLong(CommBenchCommand::bytes).toArray();
        if (!(warmUp >= 0 && warmUp <= MOST_SECONDS)) {
            throw UserError.badInput("--warmup must be from 0 to " + MOST_SECONDS + ", found " + warmUp + ".",
                    "Correct it.");
        }
        boolean onGpu = onGpu();
        if (backEnd == BackEnd.NCCL && !onGpu) {
            throw UserError.badInput("nccl passes arrays of GPUs alone, found --device cpu.",
                    "Use --backend shm or mpi.");
        }
        World world = World.of(System.getenv());
        // A rank that this command has started may be the only one.
        boolean started = !world.alone() || world.source() == World.Source.VARIABLES;
        if (backEnd != BackEnd.MPI && !started) {
            return launch(LongStream.of(bytes).max().orElseThrow());
        }
        if (number != null) {
            throw UserError.badInput("--ranks is given, but " + (started ? world.source() + " say how many ranks there"
                    + " are." : "mpirun starts MPI's ranks."), started
                            ? "Leave --ranks away, or start one process alone."
                            : "Use mpirun -n N lab comm-bench --backend mpi.");
        }
        LauncherWatch.start();
        BenchGroup.use(backEnd, onGpu, world, (group, memory, title) -> measure(group, memory, title, bytes));
        return 0;
    }

    private boolean onGpu() {
        if (device != null && !device.matches("cpu|cuda")) {
            throw UserError.badInput("expected the device cpu or cuda, found '" + device + "'.", "Correct --device.");
        }
        return device == null ? backEnd == BackEnd.NCCL : device.equals("cuda");
    }

    /** Starts this command once a rank, for arrays up to a size. */
    private int launch(long largest) throws IOException, InterruptedException {
        int count = number != null ? number : backEnd == BackEnd.NCCL ? 1 : 2;
        if (count < 1) {
            throw UserError.badInput("expected at least 1 rank, found " + count + ".", "Use --ranks 2, for example.");
        }
        int gpus = onGpu() ? CudaDevice.count() : 0;
        if (!backEnd.sharesGpus()) {
            World.requireGpus(count, gpus);
        }
        BenchGroup.requireMemory(count, largest);
        // Without the number of ranks, which the variables say.
        List<String> arguments = new ArrayList<>(List.of("comm-bench", "--backend", backEnd.toString(), "--sizes",
                String.join(",", sizes), "--device", onGpu() ? "cuda" : "cpu", "--memory", where.toString(), "--warmup",
                Double.toString(warmUp), "--collectives",
                chosen.stream().map(Timed::toString).collect(Collectors.joining(","))));
        if (unchecked) {
            arguments.add("--no-check");
        }
        return Launcher.run(new Launcher.Plan(count, 0, null, Lab.class, arguments, arguments, () -> { }));
    }

    private static long bytes(String text) {
        if (!text.toLowerCase(Locale.ROOT).matches("[1-9]\\d{0,9}|[1-9]\\d{0,8}[kmg]")) {
            throw UserError.badInput("expected a size such as 512, 4k, 100m or 1g, found '" + text + "'.",
                    "Correct --sizes.");
        }
        int shift = switch (text.toLowerCase(Locale.ROOT).charAt(text.length() - 1)) {
            case 'k' -> 10;
            case 'm' -> 20;
            case 'g' -> 30;
            default -> 0;
        };
        return Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 1)) << shift;
    }

    private void measure(ProcessGroup group, GroupMemory memory, String title, long[] bytes) {
        PrintWriter out = group.rank() == 0 ? spec.commandLine().getOut() : new PrintWriter(Writer.nullWriter());
        if (!unchecked) {
            new CollectiveChecks(group, memory, backEnd != BackEnd.NCCL).all(CHECKED_COUNTS);
            group.barrier().await();
        }
        out.println(title + ", " + group.size() + (group.size() == 1 ? " rank, which exchanges nothing" : " ranks")
                + (unchecked ? "" : ": every collective is right in float32, bfloat16, float16 and int64"));
        out.printf(Locale.ROOT, "%n%-16s%14s%14s%24s%14s%14s%n", "collective", "bytes", "time us", "least to most",
                "algbw GB/s", "busbw GB/s");
        out.flush();
        Stopwatch watch = new Stopwatch(group, memory, where == Where.GROUP,
                Math.max(LongStream.of(bytes).max().orElseThrow(), (long) Float.BYTES * group.size()),
                Duration.ofNanos((long) (warmUp * 1e9)));
        Map<Timed, List<Measured>> all = new EnumMap<>(Timed.class);
        for (Timed timed : EnumSet.copyOf(chosen)) {
            if (timed.possible(group.size(), memory.onHost())) {
                all.put(timed, LongStream.of(bytes).mapToObj(size -> print(out, watch.time(timed, size))).toList());
            }
        }
        boolean bounded = group.size() > 1 && all.keySet().containsAll(MemoryBound.NEEDS);
        for (int i = 0; bounded && i < bytes.length; i++) {
            out.printf("%n%s%n", new MemoryBound(all.get(Timed.ALL_REDUCE).get(i), all.get(Timed.REWRITE).get(i),
                    all.get(Timed.COPY).get(i)));
        }
        out.flush();
    }

    private static Measured print(PrintWriter out, Measured measured) {
        out.printf(Locale.ROOT, "%-16s%14d%14.1f%24s%14.2f%14.2f%n", measured.timed(), measured.bytes(),
                measured.nanos() / 1e3, String.format(Locale.ROOT, "%.1f to %.1f", measured.least() / 1e3,
                        measured.longest() / 1e3),
                measured.algorithmBandwidth(), measured.busBandwidth());
        out.flush();
        return measured;
    }
}
