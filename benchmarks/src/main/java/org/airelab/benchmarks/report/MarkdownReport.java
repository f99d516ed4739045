package org.airelab.benchmarks.report;

import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.airelab.base.Progress;

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
        text.append("| workload | kernel | median | p20 to p80 | rate | of peak | libtorch | ratio | max error |\n")
                .append("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        for (Row row : report.rows()) {
            text.append("| ").append(String.join(" | ", row.family() + " " + row.operation() + " " + row.shape(),
                    row.kernel(),
                    Numbers.time(row.medianMs()), Numbers.time(row.p20Ms()) + " to " + Numbers.time(row.p80Ms()),
                    Numbers.rate(row), Numbers.percent(row.fractionOfPeak()), Numbers.time(row.baselineMedianMs()),
                    Numbers.ratio(row.ratio()), Numbers.error(row.maxError()))).append(" |\n");
        }
        text.append('\n');
        facts(report.environment()).forEach(fact -> text.append("- ").append(fact).append('\n'));
        return text.toString();
    }

    /** What a reader wants to know first: the machine's limits, the mean ratio, and the shapes that lose. */
    static List<String> summary(Report report) {
        Report.Roofline roofline = report.roofline();
        List<Row> fastest = report.fastest();
        List<Row> compared = fastest.stream().filter(row -> row.ratio() != null).toList();
        OptionalDouble mean = Report.geometricMean(fastest);
        String limits = String.format(Locale.ROOT, "Measured limits: copy %.1f GB/s, fused multiply-add %.3f TFLOP/s.",
                roofline.copyGbps(), roofline.fmaTflops());
        if (mean.isEmpty()) {
            return List.of(limits);
        }
        List<Row> losing = compared.stream().filter(row -> row.ratio() < 1).toList();
        return List.of(limits,
                String.format(Locale.ROOT,
                "Top rungs against libtorch, ratio of times: geometric mean %.2f over %d workloads"
                        + " (above 1 the rung is faster); %d of them lose.", mean.getAsDouble(), compared.size(),
                        losing.size()),
                losing.isEmpty() ? "No workload loses." : "Losing: " + losing.stream().map(row -> row.family() + " "
                        + row.operation() + " " + row.shape() + " (" + Numbers.ratio(row.ratio()) + ")")
                        .collect(Collectors.joining(", ")) + ".");
    }

    /** Where and how it was measured, a fact a line. */
    static List<String> facts(Environment e) {
        return List.of("Date: " + e.date() + ", took " + Progress.duration(e.seconds()),
                "Machine: " + e.hardware().cpu() + ", " + e.hardware().cores() + " cores (kernels use " + e.threads()
                + "), "
                        + (e.hardware().memoryBytes() >> 30) + " GiB, last-level cache " + (e.cacheBytes() >> 20)
                        + " MiB, "
                        + e.hardware().os(),
                String.format(Locale.ROOT, "Clocks: governor %s, %.0f MHz after the run", e.governor(), e.megahertz()),
                String.format(Locale.ROOT, "Disturbance: %.0f%% of the samples taken while other programs kept kernels"
                        + " from their cores; %.1f%% of the processor time went to other machines",
                        e.disturbedPercent(), e.stolenPercent()),
                "Software: " + e.jvm() + "; " + e.versions().entrySet().stream().map(v -> v.getKey() + " "
                + v.getValue())
                        .collect(Collectors.joining(", ")),
                "Commit: " + e.commit() + (Boolean.TRUE.equals(e.dirty()) ? ", with changes" : ""),
                "Mode: " + e.mode() + "; " + e.forks() + " rounds of JVMs, " + e.visits()
                        + " samples in each, a sample the least of several means; inputs random",
                "Rate: of the operations or bytes a call cannot do without; of peak: the time the limits allow, over"
                        + " the median (above 100% where data stay in a cache)",
                "Max error: largest difference from the float64 reference over the root mean square of the tensor");
    }
}
