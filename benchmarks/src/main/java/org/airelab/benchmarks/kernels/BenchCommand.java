package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.benchmarks.report.HtmlReport;
import org.airelab.benchmarks.report.MarkdownReport;
import org.airelab.benchmarks.report.Report;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.kernels.cuda.MissingCudaException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lab bench}. */
@Command(name = "bench",
        description = {"Measure hand-written kernels against libtorch and cuBLAS and against the machine's limits.",
    "Every rung of a family's ladder, with random inputs, several times in several JVMs, in turn with all others."
            + " Writes a report as JSON, Markdown and HTML, to be read or given to lab compare."},
        footer = {"  lab bench --quick", "  lab bench attention rms-norm --out attention.json",
            "  lab bench --cold --threads 1 rms-norm", "  lab bench --device cuda matmul --out h100.json",
            "  lab bench --device cuda attention --dtype bf16 --kernel mma,wgmma --shape d128",
            "  cp -r target/lab before    # then change a kernel, and:",
            "  lab bench softmax --base before && lab compare report.base.json report.json"})
public final class BenchCommand implements LabCommand {
    /** Of a report, by the ends of the files' names. */
    private static final List<String> FORMS = List.of(".json", ".md", ".html");
    /** What the name of the other build's report has before that. */
    private static final String BASE = ".base";

    @Mixin
    private SelectionOptions selection = new SelectionOptions();

    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "auto",
            description = "cpu, cuda for the first GPU, or auto: the GPU where there is one."
            + " Default: ${DEFAULT-VALUE}.")
    private String device;

    @Option(names = "--quick", description = "One shape of each operation, unless --shape says which, and fewer"
            + " samples: below 3 minutes for all families on 2 cores. All families share a JVM.")
    private boolean quick;

    @Option(names = "--cold",
            description = "Every call finds its memory evicted from the caches: on the CPU calls go round buffers twice"
            + " as large as the last-level cache, on a GPU (where they always do) the L2 cache is overwritten before"
            + " each and the call timed alone.")
    private boolean cold;

    @Option(names = "--threads", paramLabel = "N", description = "Cores a CPU kernel may use. Default: all. With one,"
            + " other programs on the machine disturb least.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--base", paramLabel = "FOLDER", description = "Another build of the lab, a copy of target/lab made"
            + " before a change, whose JVMs speak the same protocol: measure both in turn, every few milliseconds, on a"
            + " GPU sample by sample, so that nothing but the change tells them apart; with --quick up to 33 minutes."
            + " Its report is written as NAME.base.json beside.")
    private Path base;

    @Option(names = "--out", paramLabel = "FILE", defaultValue = "report.json",
            description = "The report; .md and .html are written beside it. Default: ${DEFAULT-VALUE}.")
    private Path out;

    @Spec
    private CommandSpec spec;

    @Override
    public CommandGroup group() {
        return CommandGroup.KERNELS;
    }

    @Override
    public Integer call() throws Exception {
        if (!out.toString().endsWith(FORMS.getFirst())) {
            throw UserError.badInput("expected --out to end in .json, found " + out, "Name it " + out + ".json.");
        }
        int cores = Runtime.getRuntime().availableProcessors();
        if (threads < 1 || threads > cores) {
            throw UserError.badInput("expected --threads from 1 to this machine's " + cores + " cores, found "
                    + threads, "Leave it out to use all cores.");
        }
        List<Build> builds = base == null ? List.of(Build.own()) : List.of(Build.own(), Build.at(base));
        Bench bench = new Bench(target(), selection.selection(), quick, cold, builds);
        String stem = out.toString().substring(0, out.toString().length() - FORMS.getFirst().length());
        // What takes minutes to measure has to have a place.
        for (String name : base == null ? List.of(stem) : List.of(stem, stem + BASE)) {
            FORMS.forEach(form -> AtomicFiles.requireWritable(Path.of(name + form)));
        }
        List<Report> reports = bench.run();
        String markdown = new MarkdownReport(reports.getFirst()).text();
        PrintWriter terminal = spec.commandLine().getOut();
        // First: it is not lost when the disk is full.
        terminal.print(markdown);
        terminal.flush();
        write(reports.getFirst(), markdown, stem);
        terminal.printf("%nReport: %s.html (pictures), %s.md, %s%n", stem, stem, out);
        if (base != null) {
            write(reports.getLast(), new MarkdownReport(reports.getLast()).text(), stem + BASE);
            terminal.printf("What changed: lab compare %s.base.json %s%n", stem, out);
        }
        MarkdownReport.errors(reports.getFirst()).ifPresent(terminal::println);
        terminal.flush();
        if (bench.failure() != null) {
            throw bench.failure();
        }
        return 0;
    }

    /** Writes a report in its three forms. */
    private static void write(Report report, String markdown, String stem) throws IOException {
        Json.write(Path.of(stem + ".json"), report);
        AtomicFiles.writeString(Path.of(stem + ".md"), markdown);
        AtomicFiles.writeString(Path.of(stem + ".html"), new HtmlReport(report).text());
    }

    /** {@code auto} is the first GPU where kernels can run on one and LAB_DEVICE is not {@code cpu}, else the CPU. */
    private Target target() {
        Target cpu = new CpuTarget(threads);
        return switch (device) {
            case "cpu" -> cpu;
            case "auto" -> "cpu".equals(System.getenv("LAB_DEVICE")) ? cpu
                    : GpuTarget.find().<Target>map(gpu -> gpu).orElse(cpu);
            case "cuda" -> {
                try {
                    yield GpuTarget.open();
                } catch (MissingCudaException e) {
                    throw UserError.machine(e.getMessage(), e.advice(), e);
                }
            }
            default -> throw UserError.badInput("unknown device " + device + "; known are auto, cpu and cuda",
                    "Name one of them, or leave it at auto.");
        };
    }
}
