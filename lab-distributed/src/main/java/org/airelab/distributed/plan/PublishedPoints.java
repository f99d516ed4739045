package org.airelab.distributed.plan;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import org.airelab.base.Json;

/** Published runs, from the resource published-points.json, beside what the model says of them. */
final class PublishedPoints {
    /** How far off a prediction may be and still reproduce a point. */
    static final double TOLERANCE = 0.2;
    private static final String RESOURCE = "published-points.json";

    private PublishedPoints() {
    }

    /**
     * Where points are from.
     *
     * @param name   whose runs
     * @param where  the document, at a commit
     * @param points what it says
     */
    record Source(String name, String where, List<PublishedPoint> points) {
    }

    static List<Source> load() {
        try (InputStream in = PublishedPoints.class.getResourceAsStream(RESOURCE)) {
            return List.of(Json.MAPPER.readValue(in, Source[].class));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Points within {@link #TOLERANCE} on which nothing was calibrated and for which nothing was assumed. */
    static long reproduced(List<Source> sources) {
        return sources.stream().flatMap(source -> source.points.stream())
                .filter(point -> !point.calibration() && point.assumed() == null && near(point)).count();
    }

    private static boolean near(PublishedPoint point) {
        return Math.abs(point.error()) <= TOLERANCE;
    }

    /** A table in Markdown, a line a point, with what each letter means and where the points are from. */
    static String table(List<Source> sources) {
        StringBuilder text = new StringBuilder("| source | run | on | mesh | published | predicted | error | |\n"
                + "| --- | --- | --- | --- | ---: | ---: | ---: | --- |\n");
        StringBuilder notes = new StringBuilder();
        for (int i = 0; i < sources.size(); i++) {
            Source source = sources.get(i);
            for (PublishedPoint point : source.points) {
                text.append(row(source.name + " [" + (i + 1) + "]", point));
            }
            notes.append(i + 1).append(". ").append(source.name).append(": ").append(source.where).append(".\n");
            source.points.stream().filter(point -> point.assumed() != null).map(PublishedPoint::assumed).distinct()
                    .forEach(assumed -> notes.append("   Assumed (a): ").append(assumed).append(".\n"));
        }
        return text.append('\n').append(summary(sources)).append("\n\n").append(notes).toString();
    }

    private static String row(String source, PublishedPoint point) {
        Plan plan = point.plan();
        double predicted = point.quantity().of(plan);
        String method = (point.zero() > 0 ? ", ZeRO-" + point.zero() : "")
                + (point.interleave() > 1 ? ", interleaved by " + point.interleave() : "")
                + switch (point.recompute()) {
                    case NONE -> "";
                    case SELECTIVE -> ", partly recomputed";
                    case FULL -> ", recomputed";
                };
        return String.format(Locale.ROOT, "| %s | %s | %s | %s%s | %s | %s | %+.0f%% | %s |\n", source, point.run(),
                point.hardware(), plan.job().mesh(), method, point.quantity().format(point.value()),
                point.quantity().format(predicted), 100 * point.error(), letters(point));
    }

    private static String letters(PublishedPoint point) {
        return (point.calibration() ? "c" : "") + (point.assumed() != null ? "a" : "");
    }

    private static String summary(List<Source> sources) {
        List<PublishedPoint> all = sources.stream().flatMap(source -> source.points.stream()).toList();
        return String.format(Locale.ROOT, "%d of %d points within %.0f%%; of the %d to which no constant was calibrated"
                + " (c) and for which nothing was assumed (a), %d.", all.stream().filter(PublishedPoints::near).count(),
                all.size(), 100 * TOLERANCE, all.stream().filter(p -> letters(p).isEmpty()).count(),
                reproduced(sources));
    }
}
