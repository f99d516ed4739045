package org.airelab.benchmarks.report;

import java.util.Locale;

/** A picture of lines, bars, dots and words, 360 units wide: a phone's width, so that words there have their size. */
public final class Svg {
    /** Units across. */
    public static final double WIDTH = 360;
    /** Units that a character takes, about. */
    static final double CHARACTER = 6.6;

    private final StringBuilder body = new StringBuilder();
    private final double height;
    private final String description;

    /** A picture of that height; the description is for those who do not see it. */
    public Svg(double height, String description) {
        this.height = height;
        this.description = description;
    }

    /** A bar. */
    public Svg bar(double x, double y, double width, double tall, String colour) {
        return add("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>", x, y, width, tall,
                colour);
    }

    /** A line. */
    public Svg line(double x1, double y1, double x2, double y2, String colour, double width) {
        return add("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"%.1f\"/>", x1,
                y1,
                x2, y2, colour, width);
    }

    /** A dot, or a ring where it is not filled. */
    public Svg dot(double x, double y, double radius, String colour, boolean filled) {
        return add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" stroke=\"%s\"/>", x, y, radius,
                filled ? colour : "#fff", colour);
    }

    /** Words that start at x. */
    public Svg text(double x, double y, String words, String colour) {
        return text(x, y, words, colour, "start");
    }

    /** Words that start at, end at or are centred on x: start, end, middle. */
    public Svg text(double x, double y, String words, String colour, String anchor) {
        return add("<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\" text-anchor=\"%s\">%s</text>", x, y, colour, anchor,
                Html.escape(words));
    }

    private Svg add(String format, Object... values) {
        body.append(String.format(Locale.ROOT, format, values)).append('\n');
        return this;
    }

    /** The element, to stand in a page. */
    public String text() {
        return String.format(Locale.ROOT, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">%n", WIDTH,
                height,
                Html.escape(description)) + body + "</svg>\n";
    }
}
