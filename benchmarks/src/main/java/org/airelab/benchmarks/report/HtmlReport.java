package org.airelab.benchmarks.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A report as one page of HTML with its charts inside. */
public final class HtmlReport {
    private final Report report;

    public HtmlReport(Report report) {
        this.report = report;
    }

    /** The whole page. */
    public String text() {
        StringBuilder body = new StringBuilder();
        MarkdownReport.summary(report).forEach(line -> body.append(Html.element("p", line)).append('\n'));
        body.append("<div class=\"overview\">\n");
        ratios(body);
        roofline(body);
        body.append("</div>\n");
        ladders(body);
        table(body);
        body.append(Html.element("h2", "Where and how")).append("\n<ul class=\"facts\">\n");
        Facts.of(report.environment()).forEach(fact -> body.append(Html.element("li", fact)).append('\n'));
        return Html.page("Kernel speed", body.append("</ul>\n").toString());
    }

    private void ratios(StringBuilder body) {
        Map<Boolean, List<Row>> compared = report.fastest().stream().filter(row -> row.ratio() != null)
                .collect(Collectors.groupingBy(Row::composed, TreeMap::new, Collectors.toList()));
        if (compared.isEmpty()) {
            return;
        }
        body.append("<section>").append(Html.element("h2", "Top rungs against " + report.libraries()))
                .append(Html.element("p", "Ratio of times on a logarithmic axis: green is faster than "
                        + report.libraries() + ", red slower, the yellow line the geometric mean."));
        compared.forEach((composed, rows) -> body.append(composed ? Html.element("p", "Work that is several operators"
                + " there, one after another:") : "").append(RatioChart.of(rows)));
        body.append("</section>\n");
    }

    /** A chart for each element type: its peak may be another's. */
    private void roofline(StringBuilder body) {
        Map<String, List<Row>> counted = new TreeMap<>(Comparator.reverseOrder());
        report.fastest().stream().filter(row -> row.flops() > 0)
                .forEach(row -> counted.computeIfAbsent(row.dtype(), t -> new ArrayList<>()).add(row));
        counted.forEach((dtype, rows) -> {
            body.append("<section>").append(Html.element("h2", "Roofline" + suffix(dtype)))
                    .append(Html.element("p", "Dots: top rungs. Rings: " + report.libraries()
                            + ". What lies above the slope reads from a cache."))
                    .append(RooflineChart.of(report.roofline(), rows)).append("<ol>\n");
            rows.forEach(row -> body.append(Html.element("li", row.title())).append('\n'));
            body.append("</ol></section>\n");
        });
    }

    private void ladders(StringBuilder body) {
        Map<String, Map<String, List<Row>>> families = new LinkedHashMap<>();
        report.rows().forEach(row -> families.computeIfAbsent(row.family() + suffix(row.dtype()),
                f -> new LinkedHashMap<>()).computeIfAbsent(row.workload(), w -> new ArrayList<>()).add(row));
        families.forEach((family, workloads) -> {
            body.append(Html.element("h2", "Ladder: " + family)).append("\n<div class=\"charts\">\n");
            workloads.values().forEach(ladder -> body.append(LadderChart.of(ladder)));
            body.append("</div>\n");
        });
    }

    private static String suffix(String dtype) {
        return dtype.equals(Report.FP32) ? "" : ", " + dtype;
    }

    private void table(StringBuilder body) {
        body.append(Html.element("h2", "All rows"))
                .append("\n<table><thead><tr><th>kernel<th>median<small>p20 to p80</small>")
                .append("<th>rate<th>of peak<th>ratio<th>max error<small>the library's</small></tr></thead>\n")
                .append("<tbody>\n");
        String workload = "";
        for (Row row : report.rows()) {
            if (!row.workload().equals(workload)) {
                workload = row.workload();
                body.append("<tr class=\"group\"><th colspan=\"6\">")
                        .append(Html.escape(row.title()))
                        .append(row.baseline() == null ? "" : "<small>" + Html.escape(row.baseline() + ", "
                                + Numbers.time(row.baselineMedianMs())) + "</small>")
                        .append("</th></tr>\n");
            }
            body.append("<tr><td>").append(Html.escape(row.kernel())).append("<td>")
                    .append(Numbers.time(row.medianMs()))
                    .append("<small>").append(Numbers.time(row.p20Ms())).append(" to ")
                    .append(Numbers.time(row.p80Ms()))
                    .append("</small><td>").append(Numbers.rate(row)).append("<td>")
                    .append(Numbers.percent(row.fractionOfPeak())).append(ratio(row))
                    .append(error(row)).append("</tr>\n");
        }
        body.append("</tbody></table>\n");
    }

    /** Marked where it is more than twice the library's. */
    private static String error(Row row) {
        String library = row.baselineMaxError() == null ? ""
                : "<small>" + Numbers.error(row.baselineMaxError()) + "</small>";
        return "<td" + (row.lessExact() ? " class=\"bad\"" : "") + ">" + Numbers.error(row.maxError()) + library;
    }

    private static String ratio(Row row) {
        String kind = row.ratio() == null ? "" : row.loses() ? " class=\"bad\"" : " class=\"good\"";
        return "<td" + kind + ">" + Numbers.ratio(row.ratio());
    }
}
