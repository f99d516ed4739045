package org.airelab.benchmarks.compare;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lab compare}. */
@Command(name = "compare", description = {"Say what changed between two speed reports, and how sure that is.",
    "Reads reports of lab bench and JMH's JSON. Rows are matched by family, operation, shape, type, device and kernel."
            + " The ratio is base over new, above 1 where the new one is faster, of the medians over the JVMs of each"
            + " one's least sample. Its 95%% interval is a bootstrap over the JVMs, stretched by Student's t where they"
            + " are few, and widened by how much the libraries' own times moved. Builds that were measured in turn (lab"
            + " bench --base) are compared pair by pair instead: the median of all pairs' ratios. Verdicts, the first"
            + " that applies:",
    "- same: the 90%% interval lies within the margin (two one-sided tests at a level of 0.05);",
    "- faster, slower: the ratio is not 1, at a level of 0.05 for all rows together (Holm's correction);",
    "- cannot tell: more samples are needed. Of two reports made one after the other that is often most rows: use lab"
            + " bench --base.",
    "Leaves with 1 if a row is slower and its ratio below --fail-below."},
        footer = {"  lab compare before.json after.json",
            "  lab compare before.json after.json --fail-below 0.9 --html change.html",
            "  lab compare before.json after.json --json | jq -r '.rows[].verdict'"})
public final class CompareCommand implements LabCommand {
    private static final int NAMED = 5;
    private static final double MARGIN = 0.05;
    /** Of the sum of two fractions given in decimals. */
    private static final double ROUNDING = 1e-9;

    @Parameters(index = "0", paramLabel = "BASE", description = "The report to compare with.")
    private Path base;

    @Parameters(index = "1", paramLabel = "NEW", description = "The report to judge.")
    private Path changed;

    @Option(names = "--fail-below", paramLabel = "RATIO", defaultValue = "0.95",
            description = "Fail if a slower row's ratio is below; at most 1 - SHARE, for rows within the margin"
            + " are the same. Default: ${DEFAULT-VALUE}.")
    private double failBelow;

    /** Null where it is not given. */
    @Option(names = "--margin", paramLabel = "SHARE", description = "Differences below it count as none. Default: "
            + MARGIN + ", or 1 - RATIO where that is less.")
    private Double margin;

    @Option(names = "--html", paramLabel = "FILE", description = "Also write a page with a picture.")
    private Path html;

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public CommandGroup group() {
        return CommandGroup.KERNELS;
    }

    @Override
    public Integer call() throws IOException {
        if (!(failBelow > 0 && failBelow <= 1)) {
            throw UserError.badInput("expected --fail-below above 0 and up to 1, found " + failBelow,
                    "Give it as a fraction, such as 0.95.");
        }
        double within = margin();
        if (html != null) {
            AtomicFiles.requireWritable(html);
        }
        Comparison comparison = Comparison.of(SpeedFileReader.read(base), SpeedFileReader.read(changed), within);
        if (comparison.rows().isEmpty()) {
            throw UserError.badInput("no row of " + changed + " is in " + base + ": the first is "
                    + comparison.onlyInNew().stream().findFirst().orElse("none") + ", there it is "
                    + comparison.onlyInBase().stream().findFirst().orElse("none"),
                    "Compare reports of the same kernels.");
        }
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? Json.pretty(comparison) : new ComparisonText(comparison).text());
        out.flush();
        if (html != null) {
            AtomicFiles.writeString(html, new ComparisonPage(comparison, base, changed).text());
        }
        List<Comparison.Change> regressions = comparison.regressions(failBelow);
        if (!regressions.isEmpty()) {
            throw UserError.failed(regressions.size() + (regressions.size() == 1 ? " row is" : " rows are")
                    + " slower by a ratio below " + failBelow + ": " + regressions.stream().limit(NAMED)
                    .map(row -> row.key() + " (" + String.format(Locale.ROOT, "%.2f", row.ratio()) + ")")
                    .collect(Collectors.joining(", ")) + (regressions.size() > NAMED ? " and others" : ""),
                    "Mend the regression, or give a lower --fail-below.");
        }
        return 0;
    }

    /** The margin that was given or follows from the threshold: what is below the threshold must not be the same. */
    private double margin() {
        if (margin == null) {
            return Math.min(MARGIN, 1 - failBelow);
        }
        if (!(margin >= 0 && margin < 1)) {
            throw UserError.badInput("expected --margin from 0 to below 1, found " + margin,
                    "Give it as a fraction, such as 0.05.");
        }
        if (failBelow + margin > 1 + ROUNDING) {
            throw UserError.badInput("expected --fail-below and --margin of at most 1 together, found " + failBelow
                    + " and " + margin + ": rows within the margin are the same and could not fail",
                    "Give a smaller --margin, or leave it out.");
        }
        return margin;
    }
}
