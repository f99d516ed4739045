package org.airelab.benchmarks.kernels;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.airelab.base.UserError;
import org.airelab.benchmarks.kernels.Selftest.Result;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lab selftest}. */
@Command(name = "selftest",
        description = {"Run every kernel of the lab on this machine against its float64 reference.",
            "A rung passes when its largest error, in units of the root mean square of the results, is within 1e-5 or"
                + " a millionth of the largest results, which is 16 roundings of float32, whatever is more (on a GPU a"
                + " naive rung within eight times that); in half types, within two roundings of the largest results."
                + " No rung's error is another's measure. Where libtorch has the operation, the tests hold every rung"
                + " to twice its error (those of a GPU as a CPU executes them), and to what a rung's order of summation"
                + " adds.",
            "Of the shapes of an operation the table has those that are wrong, else the one that comes closest."},
        footer = {"  lab selftest", "  lab selftest matmul attention --device cuda",
            "  lab selftest matmul --device cuda --dtype bf16 --kernel mma --shape ^64"})
public final class SelftestCommand implements LabCommand {
    private static final List<String> HEADER = List.of("family", "operation", "shape", "kernel", "on", "type", "error",
            "allowed", "");
    /** Columns that are words; those after are numbers, but for the verdict. */
    private static final int WORDS = 6;

    @Mixin
    private SelectionOptions selection = new SelectionOptions();

    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "auto",
            description = "cpu, cuda, or auto: the CPU, and the first GPU where there is one."
            + " Default: ${DEFAULT-VALUE}.")
    private String device;

    @Spec
    private CommandSpec spec;

    @Override
    public CommandGroup group() {
        return CommandGroup.KERNELS;
    }

    /** Prints the table; 1 when a rung is wrong. */
    @Override
    public Integer call() {
        if (!List.of("auto", "cpu", "cuda").contains(device)) {
            throw UserError.badInput("unknown device " + device + "; known are auto, cpu and cuda",
                    "Name one of them, or leave it at auto.");
        }
        return test(selection.selection());
    }

    /** Tests rungs, which need not be those of the lab's families of these names. */
    int test(Selection asked) {
        Selftest selftest = new Selftest(asked, device);
        List<Result> results = selftest.run();
        PrintWriter out = spec.commandLine().getOut();
        print(shown(results), out);
        long wrong = results.stream().filter(r -> !r.passed()).count();
        out.printf("%n%d results, %s%n", results.size(),
                wrong == 0 ? "all as exact as they should be" : wrong + " wrong");
        if (selftest.noGpu() != null) {
            out.println("None is of a GPU: " + selftest.noGpu() + ".");
        }
        out.flush();
        return wrong == 0 ? 0 : UserError.FAILED;
    }

    /** Those that are wrong, and of the others each kernel's with the largest part of the allowed error. */
    private static List<Result> shown(List<Result> results) {
        Map<List<Object>, Result> closest = new HashMap<>();
        for (Result r : results) {
            if (r.passed()) {
                closest.merge(r.subject(), r, (a, b) -> b.error() / b.limit() > a.error() / a.limit() ? b : a);
            }
        }
        return results.stream().filter(r -> !r.passed() || closest.get(r.subject()) == r).toList();
    }

    private static void print(List<Result> results, PrintWriter out) {
        List<List<String>> lines = new ArrayList<>(List.of(HEADER));
        results.forEach(result -> lines.add(cells(result)));
        StringBuilder form = new StringBuilder();
        for (int i = 0; i < HEADER.size() - 1; i++) {
            int column = i;
            int width = lines.stream().mapToInt(line -> line.get(column).length()).max().orElseThrow();
            form.append(i < WORDS ? "%-" : "%").append(width).append("s ");
        }
        lines.forEach(line -> out.println(String.format(form + "%s", line.toArray()).stripTrailing()));
    }

    private static List<String> cells(Result r) {
        return List.of(r.workload().family(), r.workload().operation(), r.workload().shape(), r.kernel(), r.device(),
                r.dtype().toString(), scientific(r.error()), scientific(r.limit()), verdict(r));
    }

    private static String scientific(double value) {
        return String.format(Locale.ROOT, "%.1e", value);
    }

    private static String verdict(Result r) {
        return r.passed() ? "" : r.failure() == null ? " WRONG"
                : " FAILED: " + r.failure().lines().findFirst().orElse("");
    }
}
