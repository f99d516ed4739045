package org.airelab.benchmarks.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A report as Markdown: the summary, a table of all rows, and where it was measured. */
public final class MarkdownReport {
    private final Report report;

    public MarkdownReport(Report report) {
        this.report = report;
    }

    /** The whole text. */
    public String text() {
        StringBuilder text = new StringBuilder("# Kernel speed\n\n");
        summary(report).forEach(line -> text.append(line).append("\n\n"));
        text.append("| workload | kernel | median | p20 to p80 | rate | of peak | " + report.libraries()
                + " | ratio | max error | the library's |\n")
                .append("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        for (Row row : report.rows()) {
            text.append("| ").append(String.join(" | ", row.title(),
                    row.kernel(),
                    Numbers.time(row.medianMs()), Numbers.time(row.p20Ms()) + " to " + Numbers.time(row.p80Ms()),
                    Numbers.rate(row), Numbers.percent(row.fractionOfPeak()), Numbers.time(row.baselineMedianMs()),
                    Numbers.ratio(row.ratio()), Numbers.error(row.maxError()) + (row.lessExact() ? " (> 2x)" : ""),
                    Numbers.error(row.baselineMaxError()))).append(" |\n");
        }
        text.append('\n');
        Facts.of(report.environment()).forEach(fact -> text.append("- ").append(fact).append('\n'));
        return text.toString();
    }

    /**
     * What a reader wants to know first: the limits, the mean ratios, the shapes that lose, what is less exact than the
     * libraries, and what to beware of.
     */
    static List<String> summary(Report report) {
        List<String> lines = new ArrayList<>();
        lines.add(limits(report.roofline()));
        List<Row> compared = report.fastest().stream().filter(row -> row.ratio() != null).toList();
        if (!compared.isEmpty()) {
            String means = Stream.of(mean(compared, false), mean(compared, true)).flatMap(Optional::stream)
                    .collect(Collectors.joining(", "));
            lines.add("Top rungs against " + report.libraries() + ", ratio of times, above 1 where the rung is faster:"
                    + " geometric mean " + means + ".");
            List<Row> losing = compared.stream().filter(Row::loses).toList();
            lines.add(losing.isEmpty() ? "None loses: no ratio is below " + Row.EVEN + "." : losing.size()
                    + (losing.size() == 1 ? " loses" : " lose") + ", with a ratio below " + Row.EVEN + ": "
                    + losing.stream().map(row -> row.title() + " (" + Numbers.ratio(row.ratio()) + ")")
                    .collect(Collectors.joining(", ")) + ".");
        }
        errors(report).ifPresent(lines::add);
        lines.addAll(Facts.warnings(report.environment()));
        return lines;
    }

    /** Which rows have more than twice the library's error, of all rungs; empty where no errors are compared. */
    public static Optional<String> errors(Report report) {
        long compared = report.rows().stream().filter(Row::errorsCompared).count();
        List<String> worse = report.rows().stream().filter(Row::lessExact).map(row -> row.title() + " " + row.kernel()
                + " (" + Numbers.error(row.maxError()) + " against " + Numbers.error(row.baselineMaxError()) + ")")
                .toList();
        return compared == 0 ? Optional.empty() : Optional.of("Largest errors more than twice the library's, or than a"
                + " rounding of the largest result where that is more: "
                + (worse.isEmpty() ? "none" : worse.size()) + " of " + compared + " rows"
                + (worse.isEmpty() ? "" : ": " + String.join(", ", worse)) + ".");
    }

    private static Optional<String> mean(List<Row> compared, boolean composed) {
        List<Row> rows = compared.stream().filter(row -> row.composed() == composed).toList();
        return rows.isEmpty() ? Optional.empty()
                : Optional.of(String.format(Locale.ROOT, "%.2f over %d %s %s there", Report.geometricMean(rows),
                        rows.size(), rows.size() == 1 ? "workload that is" : "workloads that are",
                        composed ? "several operators" : "one operator"));
    }

    private static String limits(Report.Roofline roofline) {
        String tensor = roofline.tensorTflops() == null ? ""
                : String.format(Locale.ROOT, ", tensor cores in half types %.1f TFLOP/s", roofline.tensorTflops());
        return String.format(Locale.ROOT, "Measured limits: copy %.1f GB/s, fused multiply-add %.3f TFLOP/s%s.",
                roofline.copyGbps(), roofline.fmaTflops(), tensor);
    }
}
