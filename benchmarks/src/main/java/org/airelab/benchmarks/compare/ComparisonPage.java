package org.airelab.benchmarks.compare;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.airelab.benchmarks.report.Html;
import org.airelab.benchmarks.report.Numbers;
import org.airelab.benchmarks.report.Svg;

/** A comparison as one page of HTML: a picture of all intervals, and the table. */
final class ComparisonPage {
    private static final double ROW = 30;
    private static final double LEFT = 6;
    private static final double RIGHT = Svg.WIDTH - 44;
    private static final Map<Verdict, String> COLOURS = Map.of(Verdict.SAME, "#5b6875", Verdict.FASTER, "#1f8a4c",
            Verdict.SLOWER, "#c0392b", Verdict.CANNOT_TELL, "#d08a1d");

    private final Comparison comparison;
    private final Path base;
    private final Path changed;
    private final double reach;

    ComparisonPage(Comparison comparison, Path base, Path changed) {
        this.comparison = comparison;
        this.base = base;
        this.changed = changed;
        reach = 1.05 * comparison.rows().stream()
                .mapToDouble(row -> Math.max(-Math.log(row.low()), Math.log(row.high()))).filter(Double::isFinite)
                .reduce(Math.log(1.1), Math::max);
    }

    String text() {
        StringBuilder body = new StringBuilder(Html.element("p", "Base: " + base + ". New: " + changed
                + ". Ratios are base over new: above 1 the new one is faster."));
        List<String> notes = ComparisonText.notes(comparison);
        notes.forEach(note -> body.append(Html.element("p", note)).append('\n'));
        body.append(Html.element("h2", "Ratios with their 95% intervals"))
                .append(Html.element("p", "On a logarithmic axis: green faster, red slower, grey the same, yellow"
                        + " cannot tell.")).append(picture());
        body.append("<h2>All rows</h2>\n<table><thead><tr><th>row<th>base<th>new<th>ratio<th>95% interval<th>verdict"
                + "</tr></thead>\n<tbody>\n");
        for (Comparison.Change row : comparison.rows()) {
            body.append("<tr><td>").append(Html.escape(row.key())).append("<td>").append(Numbers.time(row.baseMs()))
                    .append("<td>").append(Numbers.time(row.newMs()))
                    .append(String.format(Locale.ROOT, "<td>%.3f<td>%.3f to %.3f", row.ratio(), row.low(), row.high()))
                    .append("<td style=\"color: ").append(COLOURS.get(row.verdict())).append("\">")
                    .append(row.verdict()).append("</tr>\n");
        }
        return Html.page("Speed compared", body.append("</tbody></table>\n").toString());
    }

    private String picture() {
        double height = ROW * comparison.rows().size() + 24;
        Svg svg = new Svg(height, "intervals of the ratios, by row");
        for (double tick : new double[] {0.25, 0.5, 0.8, 0.9, 1, 1.1, 1.25, 2, 4}) {
            if (Math.abs(Math.log(tick)) < reach) {
                svg.line(x(tick), 0, x(tick), height - 16, tick == 1 ? "#1c2733" : "#d9dfe5", 1)
                        .text(x(tick), height - 4, String.valueOf(tick), "#5b6875", "middle");
            }
        }
        double y = 0;
        for (Comparison.Change row : comparison.rows()) {
            String colour = COLOURS.get(row.verdict());
            svg.text(LEFT, y + 11, row.key(), "#1c2733").line(x(row.low()), y + 19, x(row.high()), y + 19, colour, 2)
                    .dot(x(row.ratio()), y + 19, 3, colour, true)
                    .text(RIGHT + 8, y + 23, String.format(Locale.ROOT, "%.2f", row.ratio()), colour);
            y += ROW;
        }
        return svg.text();
    }

    private double x(double ratio) {
        return LEFT + Math.clamp((Math.log(ratio) + reach) / (2 * reach), 0, 1) * (RIGHT - LEFT);
    }
}
