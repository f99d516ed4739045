package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Progress;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.kernels.cuda.KernelCompiler;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.MissingCudaException;
import org.airelab.kernels.cuda.ResourceReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lab kernel-resources}. */
@Command(name = "kernel-resources",
        description = {"Compile the CUDA kernels and list the registers, shared memory and spills of each.",
            "Needs a compiler and no GPU. What is compiled is in the cache afterwards, for a GPU that comes to it with"
                + " the same compiler. Leaves with 1 when a kernel spills, uses more local memory than its source's"
                + " header declares, or has its wgmma serialized."},
        footer = {"  lab kernel-resources", "  lab kernel-resources matmul --arch 90 --out matmul.md",
            "  lab kernel-resources --arch 90 --compiler nvrtc"})
public final class KernelResourcesCommand implements LabCommand {
    /** Multiprocessors of an A100, RTX 3090, RTX 4090, H100, B200 and RTX 5090: rungs choose tiles by them. */
    private static final Map<Integer, Integer> MULTIPROCESSORS = new TreeMap<>(Map.of(80, 108, 86, 82, 89, 128, 90, 132,
            100, 148, 120, 170));

    @Parameters(paramLabel = "FAMILY", arity = "0..*", description = "Kernel families. Default: all.")
    private List<String> names = List.of();

    @Option(names = "--arch", paramLabel = "N", split = ",", defaultValue = "80,90,100",
            description = "Compute capabilities: 80, 86, 89, 90, 100, 120. Default: ${DEFAULT-VALUE}.")
    private List<Integer> architectures;

    @Option(names = "--compiler", paramLabel = "KIND", description = "nvcc, or nvrtc: the library libnvrtc.so.12."
            + " Default: the one of the newer CUDA.")
    private KernelCompiler.Kind compiler;

    @Option(names = "--out", paramLabel = "FILE", description = "Write the report there, in Markdown.")
    private Path out;

    @Spec
    private CommandSpec spec;

    @Override
    public CommandGroup group() {
        return CommandGroup.KERNELS;
    }

    /** Prints the report. */
    @Override
    public Integer call() throws IOException {
        for (int architecture : architectures) {
            if (!MULTIPROCESSORS.containsKey(architecture)) {
                throw UserError.badInput("unknown architecture " + architecture + "; known are " + String.join(
                        ", ", MULTIPROCESSORS.keySet().stream().map(String::valueOf).toList()),
                        "Name some of them, with commas in between.");
            }
        }
        if (out != null) {
            AtomicFiles.requireWritable(out);
        }
        ResourceReport report = report();
        String text = report.markdown("./lab " + String.join(" ",
                spec.root().commandLine().getParseResult().originalArgs()));
        if (out != null) {
            AtomicFiles.writeString(out, text);
        }
        spec.commandLine().getOut().print(text);
        spec.commandLine().getOut().flush();
        if (!report.violations().isEmpty()) {
            ResourceReport.Row first = report.violations().getFirst();
            throw UserError.failed(report.violations().size() + " kernels spill, use local memory their sources do"
                    + " not declare, or have their wgmma serialized, the first " + first.resources().entry() + " of "
                    + first.source() + " for " + first.resources().target() + ".",
                    "Make their tiles smaller, or declare local memory that is no spill in the source's header.");
        }
        return 0;
    }

    private ResourceReport report() {
        Map<KernelCompiler, Set<KernelSource>> sources = new LinkedHashMap<>();
        for (int architecture : new TreeSet<>(architectures)) {
            int multiprocessors = MULTIPROCESSORS.get(architecture);
            Set<KernelSource> some = KernelSources.of(FamilyNames.parse(names), architecture, multiprocessors);
            if (names.isEmpty()) {
                some.addAll(KernelSources.ofLimits(architecture, multiprocessors));
            }
            sources.put(compiler(architecture), some);
        }
        List<ResourceReport> reports = new ArrayList<>();
        try (Progress progress = Progress.on("compiling", sources.values().stream().mapToLong(Set::size).sum(),
                "kernels")) {
            sources.forEach((by, some) -> reports.addAll(some.parallelStream().map(source -> {
                ResourceReport one = ResourceReport.of(List.of(source), by);
                progress.advance(1);
                return one;
            }).toList()));
        }
        return ResourceReport.of(reports);
    }

    private KernelCompiler compiler(int architecture) {
        try {
            return KernelCompiler.of(architecture, compiler == null ? KernelCompiler.Kind.values()
                    : new KernelCompiler.Kind[] {compiler});
        } catch (MissingCudaException e) {
            throw UserError.machine(e.getMessage(), e.advice(), e);
        }
    }
}
