package org.airelab.benchmarks.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The rungs of one workload and a library as bars of speed, in units of the fastest of them. */
final class LadderChart {
    private static final double ROW = 19;
    private static final double LABEL = 92;
    private static final double VALUES = 134;

    private record Bar(String name, double ms, String value, String colour) {
    }

    private LadderChart() {
    }

    static String of(List<Row> ladder) {
        List<Bar> bars = bars(ladder);
        double best = bars.stream().map(Bar::ms).min(Comparator.naturalOrder()).orElseThrow();
        Row top = ladder.getLast();
        String what = top.what();
        Svg svg = new Svg(ROW * bars.size() + 4, top.family() + " " + what + ": speed of each rung");
        double y = 0;
        for (Bar bar : bars) {
            double length = Math.max(1, best / bar.ms * (Svg.WIDTH - LABEL - VALUES));
            svg.text(0, y + 13, shortened(bar.name), "#1c2733").bar(LABEL, y + 3, length, ROW - 6, bar.colour)
                    .text(LABEL + length + 4, y + 13, bar.value, "#5b6875");
            y += ROW;
        }
        return "<figure>" + Html.element("figcaption", what) + svg.text() + "</figure>\n";
    }

    private static List<Bar> bars(List<Row> ladder) {
        List<Bar> bars = new ArrayList<>();
        for (Row row : ladder) {
            bars.add(new Bar(row.kernel(), row.medianMs(), Numbers.time(row.medianMs()) + ", " + Numbers.rate(row),
                    "#2f6db5"));
        }
        Row top = ladder.getLast();
        if (top.baseline() != null) {
            bars.add(new Bar(top.library(), top.baselineMedianMs(), Numbers.time(top.baselineMedianMs()), "#a3adb8"));
        }
        return bars;
    }

    private static String shortened(String name) {
        int most = (int) (LABEL / Svg.CHARACTER);
        return name.length() <= most ? name : name.substring(0, most - 1) + "\u2026";
    }
}
