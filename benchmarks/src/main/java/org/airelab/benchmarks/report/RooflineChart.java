package org.airelab.benchmarks.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The roofline (Williams, Waterman and Patterson, 2009): operations a second over operations a byte, both logarithmic,
 * under the measured bandwidth and peak; the top rung of each workload a numbered dot, the library a ring. The rows are
 * of one element type, whose peak it is.
 */
final class RooflineChart {
    private static final double HEIGHT = 300;
    private static final double LEFT = 34;
    private static final double RIGHT = Svg.WIDTH - 8;
    private static final double TOP = 10;
    private static final double BOTTOM = HEIGHT - 34;
    private static final double DOT = 3;
    /** A decade or less has lines at 2 and 5, too. */
    private static final double NARROW = 30;

    private final Report.Roofline roofline;
    private final double peak;
    private final double leftIntensity;
    private final double rightIntensity;
    private final double lowest;
    private final double highest;
    /** GFLOP/s in the unit of the vertical axis. */
    private final double unit;

    private RooflineChart(Report.Roofline roofline, List<Row> rows) {
        this.roofline = roofline;
        peak = 1e3 * roofline.peakTflops(rows.getFirst().dtype());
        leftIntensity = rows.stream().mapToDouble(RooflineChart::intensity).min().orElse(0.1) / 2;
        double ridge = peak / roofline.copyGbps();
        rightIntensity = 2 * Math.max(2 * ridge, rows.stream().mapToDouble(RooflineChart::intensity).max().orElse(1));
        double slowest = rows.stream().mapToDouble(row -> gflops(row, row.medianMs())).min().orElse(1);
        lowest = Math.min(slowest, leftIntensity * roofline.copyGbps()) / 2;
        double fastest = rows.stream().mapToDouble(row -> gflops(row, row.medianMs())).max().orElse(1);
        highest = 2 * Math.max(peak, fastest);
        unit = peak >= 1e3 ? 1e3 : 1;
    }

    /** The chart of rows of one element type that have operations to count, at least one. */
    static String of(Report.Roofline roofline, List<Row> rows) {
        return new RooflineChart(roofline, rows).draw(rows);
    }

    private String draw(List<Row> rows) {
        Svg svg = new Svg(HEIGHT, "roofline with the top rung of each workload");
        grid(svg);
        double ridge = peak / roofline.copyGbps();
        svg.line(x(leftIntensity), y(leftIntensity * roofline.copyGbps()), x(ridge), y(peak), "#1c2733", 1.5)
                .line(x(ridge), y(peak), RIGHT, y(peak), "#1c2733", 1.5)
                .text(RIGHT, y(peak) - 4, Numbers.digits(peak / unit) + unitName(), "#1c2733", "end");
        Labels labels = inside();
        for (Row row : rows) {
            labels.keepClear(x(intensity(row)), y(gflops(row, row.medianMs())), DOT);
            if (row.baseline() != null) {
                labels.keepClear(x(intensity(row)), y(gflops(row, row.baselineMedianMs())), DOT);
                svg.dot(x(intensity(row)), y(gflops(row, row.baselineMedianMs())), DOT, "#a3adb8", false);
            }
        }
        String bandwidth = Numbers.digits(roofline.copyGbps()) + " GB/s";
        labels.beside(x(leftIntensity), y(leftIntensity * roofline.copyGbps()), bandwidth.length())
                .ifPresent(place -> svg.text(place.x(), place.y(), bandwidth, "#1c2733"));
        number(svg, labels, rows);
        return svg.text();
    }

    /** The picture's inside, where words may stand. */
    private Labels inside() {
        Labels labels = new Labels();
        labels.keepClear(-Svg.WIDTH, 0, LEFT, HEIGHT);
        labels.keepClear(RIGHT, 0, 2 * Svg.WIDTH, HEIGHT);
        labels.keepClear(0, -HEIGHT, Svg.WIDTH, y(peak));
        labels.keepClear(0, BOTTOM, Svg.WIDTH, 2 * HEIGHT);
        return labels;
    }

    /** Dots and their numbers; one in such a crowd that there is no place has none. Lines go below all. */
    private void number(Svg svg, Labels labels, List<Row> rows) {
        List<Optional<Labels.Place>> places = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            double x = x(intensity(rows.get(i)));
            double y = y(gflops(rows.get(i), rows.get(i).medianMs()));
            Optional<Labels.Place> place = labels.beside(x, y, String.valueOf(i + 1).length());
            place.filter(Labels.Place::apart).ifPresent(p -> svg.line(x, y, p.middleX(), p.middleY(), "#9db9d8", 0.7));
            places.add(place);
        }
        for (int i = 0; i < rows.size(); i++) {
            svg.dot(x(intensity(rows.get(i))), y(gflops(rows.get(i), rows.get(i).medianMs())), DOT, "#2f6db5", true);
            String number = String.valueOf(i + 1);
            places.get(i).ifPresent(place -> svg.text(place.x(), place.y(), number, "#2f6db5"));
        }
    }

    private void grid(Svg svg) {
        for (double value : lines(leftIntensity, rightIntensity)) {
            svg.line(x(value), TOP, x(value), BOTTOM, "#e6eaee", 1).text(x(value), BOTTOM + 13, plain(value),
                    "#5b6875", "middle");
        }
        for (double value : lines(lowest / unit, highest / unit)) {
            svg.line(LEFT, y(unit * value), RIGHT, y(unit * value), "#e6eaee", 1).text(LEFT - 4, y(unit * value) + 4,
                    plain(value), "#5b6875", "end");
        }
        svg.text((LEFT + RIGHT) / 2, HEIGHT - 6, "operations a byte", "#5b6875", "middle").text(0, TOP,
                unitName().strip(), "#5b6875");
    }

    private String unitName() {
        return unit > 1 ? " TFLOP/s" : " GFLOP/s";
    }

    /** Round numbers between two. */
    private static List<Double> lines(double from, double to) {
        List<Double> lines = new ArrayList<>();
        for (int power = -3; power <= 6; power++) {
            for (int factor : to / from < NARROW ? new int[] {1, 2, 5} : new int[] {1}) {
                double value = factor * Math.pow(10, power);
                if (value > from && value < to) {
                    lines.add(value);
                }
            }
        }
        return lines;
    }

    private static String plain(double value) {
        return value >= 1 ? String.valueOf((long) value) : String.valueOf(value);
    }

    private static double intensity(Row row) {
        return row.flops() / row.bytes();
    }

    private static double gflops(Row row, double ms) {
        return 1e-6 * row.flops() / ms;
    }

    private double x(double intensity) {
        return LEFT + Math.log(intensity / leftIntensity) / Math.log(rightIntensity / leftIntensity) * (RIGHT - LEFT);
    }

    private double y(double gflops) {
        double share = Math.log(Math.max(gflops, lowest) / lowest) / Math.log(highest / lowest);
        return BOTTOM - share * (BOTTOM - TOP);
    }
}
