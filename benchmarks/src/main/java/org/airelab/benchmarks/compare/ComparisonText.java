package org.airelab.benchmarks.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.airelab.benchmarks.report.Numbers;

/** A comparison as a table for the terminal. */
final class ComparisonText {
    /** Less is 0.0 to the one digit that is told. */
    private static final double LEAST_PERCENT = 0.05;
    private static final String IN_TURN = ". lab bench --base measures two builds in turn";

    private final Comparison comparison;

    ComparisonText(Comparison comparison) {
        this.comparison = comparison;
    }

    String text() {
        int width = comparison.rows().stream().mapToInt(row -> row.key().length()).max().orElse(0);
        StringBuilder text = new StringBuilder();
        String form = "%-" + width + "s  %8s  %8s  %6s  %-14s  %s%n";
        text.append(String.format(Locale.ROOT, form, "row", "base", "new", "ratio", "95% interval", "verdict"));
        for (Comparison.Change row : comparison.rows()) {
            text.append(String.format(Locale.ROOT, form, row.key(), Numbers.time(row.baseMs()),
                    Numbers.time(row.newMs()),
                    String.format(Locale.ROOT, "%.3f", row.ratio()),
                    String.format(Locale.ROOT, "%.3f to %.3f", row.low(), row.high()), row.verdict()));
        }
        text.append('\n');
        notes(comparison).forEach(note -> text.append(note).append('\n'));
        return text.toString();
    }

    /** The summary, then everything that limits what the table says. */
    static List<String> notes(Comparison c) {
        List<String> notes = new ArrayList<>();
        notes.add(Stream.of(Verdict.values()).map(verdict -> c.count(verdict) + " " + verdict)
                .collect(Collectors.joining(", ", "", String.format(Locale.ROOT, "; geometric mean of the ratios %.3f",
                        c.geometricMean()))));
        if (c.count(Verdict.SAME) > 0) {
            notes.add("rows are the same whose 90% interval, shorter than the one shown, lies within the margin");
        }
        if (c.inTurn()) {
            notes.add("measured in turn, compared pair by pair");
        } else {
            machine(c, notes);
        }
        unmatched("base", c.onlyInBase(), notes);
        unmatched("new report", c.onlyInNew(), notes);
        c.differences().forEach(difference -> notes.add("the environments differ in " + difference));
        return notes;
    }

    /** How much the machine did to the ratios of runs that were not in turn. */
    private static void machine(Comparison c, List<String> notes) {
        double percent = 100 * Math.expm1(c.drift());
        if (percent >= LEAST_PERCENT) {
            notes.add(String.format(Locale.ROOT, "the libraries' own times moved by %.1f%% (geometric mean of ratios"
                    + " %.3f); the intervals allow for it", percent, c.baselineRatio()) + IN_TURN);
        } else if (Double.isNaN(c.drift()) && !Double.isNaN(c.baselineRatio())) {
            notes.add("too few of the libraries' own times are known for the intervals to allow for what the machine"
                    + " did" + IN_TURN);
        }
    }

    private static void unmatched(String where, List<String> keys, List<String> notes) {
        if (!keys.isEmpty()) {
            notes.add(keys.size() + (keys.size() == 1 ? " row is" : " rows are") + " only in the " + where + ": "
                    + String.join(", ", keys));
        }
    }
}
