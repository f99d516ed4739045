package org.airelab.benchmarks.report;

import java.util.List;

/** Ratios to the baseline on a logarithmic axis, a workload a line: to the right of 1 the kernel is the faster one. */
final class RatioChart {
    private static final double ROW = 30;
    private static final double LEFT = 6;
    private static final double RIGHT = Svg.WIDTH - 44;
    private static final double[] TICKS = {0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100};

    private final double low;
    private final double high;

    private RatioChart(List<Row> rows) {
        low = Math.log(Math.min(0.5, rows.stream().mapToDouble(Row::ratio).min().orElseThrow()) / 1.1);
        high = Math.log(Math.max(2, rows.stream().mapToDouble(Row::ratio).max().orElseThrow()) * 1.1);
    }

    /** The chart of rows that have a ratio, at least one. */
    static String of(List<Row> rows) {
        return new RatioChart(rows).draw(rows);
    }

    private String draw(List<Row> rows) {
        double mean = Report.geometricMean(rows);
        double height = ROW * rows.size() + 24;
        Svg svg = new Svg(height, "ratio of the library's time to the top rung's, by workload");
        for (double tick : TICKS) {
            if (Math.log(tick) > low && Math.log(tick) < high) {
                svg.line(x(tick), 0, x(tick), height - 16, tick == 1 ? "#1c2733" : "#d9dfe5", tick == 1 ? 1.5 : 1)
                        .text(x(tick), height - 4, tick >= 1 ? String.valueOf((int) tick) : String.valueOf(tick),
                        "#5b6875",
                                "middle");
            }
        }
        svg.line(x(mean), 0, x(mean), height - 16, "#e0a030", 1.5);
        double y = 0;
        for (Row row : rows) {
            String colour = row.loses() ? "#c0392b" : "#1f8a4c";
            double from = Math.min(x(1), x(row.ratio()));
            svg.text(LEFT, y + 11, row.title(), "#1c2733")
                    .bar(from, y + 16, Math.abs(x(row.ratio()) - x(1)), 7, colour)
                    .text(RIGHT + 6, y + 23, Numbers.ratio(row.ratio()), colour);
            y += ROW;
        }
        return svg.text();
    }

    private double x(double ratio) {
        return LEFT + (Math.log(ratio) - low) / (high - low) * (RIGHT - LEFT);
    }
}
