package org.airelab.benchmarks.compare;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.DoubleStream;
import org.airelab.benchmarks.report.Quantiles;

/**
 * Two reports side by side.
 *
 * @param rows          those in both, in the new report's order
 * @param onlyInBase    keys of rows the new report lacks
 * @param onlyInNew     keys of rows the base lacks
 * @param differences   of the environments, a sentence each
 * @param inTurn        whether the two were measured in turn, so that samples are pairs
 * @param geometricMean of the ratios; NaN without rows
 * @param baselineRatio geometric mean of the same for the libraries' own times, which no change of ours should move;
 *                      NaN without
 * @param drift         standard deviation of a log-ratio that comes from the machine alone, as the libraries' times
 *                      tell: of runs that were not in turn it has widened the intervals; NaN where too few are known
 */
record Comparison(List<Change> rows, List<String> onlyInBase, List<String> onlyInNew, List<String> differences,
        boolean inTurn, double geometricMean, double baselineRatio, double drift) {
    /** Below, a median of the libraries' ratios says nothing about the machine. */
    private static final int LEAST_BASELINES = 3;
    /** A normal distribution's standard deviation over the median of its distances from its mean. */
    private static final double DEVIATIONS_A_MEDIAN = 1.4826;

    /**
     * One row of both.
     *
     * @param key        of the row
     * @param baseMs     median of all samples, as the report has it
     * @param newMs      likewise
     * @param ratio      base over new: above 1 the new one is faster
     * @param low        lower end of its 95 % interval
     * @param high       upper end
     * @param adjustedP  p-value after Holm's correction over all rows
     * @param verdict    what it means
     */
    record Change(String key, double baseMs, double newMs, double ratio, double low, double high, double adjustedP,
            Verdict verdict) {
    }

    static Comparison of(SpeedFile base, SpeedFile changed, double margin) {
        List<String> keys = changed.rows().keySet().stream().filter(base.rows()::containsKey).toList();
        boolean inTurn = base.inTurnWith(changed);
        double drift = drift(base.baselines(), changed.baselines());
        List<Estimate> estimates = keys.parallelStream().map(key -> {
            double[][] before = base.rows().get(key);
            double[][] after = changed.rows().get(key);
            return inTurn && Pairs.match(before, after) ? Pairs.of(before, after, key.hashCode())
                    : Bootstrap.of(before, after, Double.isNaN(drift) ? 0 : drift, key.hashCode());
        }).toList();
        double[] adjusted = Holm.adjust(estimates.stream().mapToDouble(Estimate::pValue).toArray());
        List<Change> rows = new ArrayList<>();
        for (int i = 0; i < adjusted.length; i++) {
            Estimate b = estimates.get(i);
            rows.add(new Change(keys.get(i), Quantiles.of(base.rows().get(keys.get(i)), 0.5),
                    Quantiles.of(changed.rows().get(keys.get(i)), 0.5), b.ratio(), b.low(), b.high(), adjusted[i],
                    Verdict.of(b, margin, adjusted[i])));
        }
        return new Comparison(rows, missing(base, changed), missing(changed, base),
                differences(base.facts(), changed.facts()), inTurn,
                geometricMean(rows.stream().mapToDouble(Change::ratio)),
                geometricMean(logs(base.baselines(), changed.baselines()).map(Math::exp)), drift);
    }

    private static List<String> missing(SpeedFile of, SpeedFile in) {
        return of.rows().keySet().stream().filter(key -> !in.rows().containsKey(key)).toList();
    }

    private static List<String> differences(Map<String, String> base, Map<String, String> changed) {
        TreeSet<String> names = new TreeSet<>(base.keySet());
        names.addAll(changed.keySet());
        return names.stream().filter(name -> !Objects.equals(base.get(name), changed.get(name)))
                .map(name -> name + ": " + base.getOrDefault(name, "none") + " in the base, "
                        + changed.getOrDefault(name, "none") + " in the new one").toList();
    }

    /**
     * The standard deviation about 0 of the libraries' own log-ratios, by the median of their sizes (Hampel, "The
     * influence curve and its role in robust estimation", 1974): one library's call that became another moves it
     * little. NaN where too few are known to say anything.
     */
    private static double drift(Map<String, double[][]> base, Map<String, double[][]> changed) {
        double[] sizes = logs(base, changed).map(Math::abs).toArray();
        return sizes.length < LEAST_BASELINES ? Double.NaN : DEVIATIONS_A_MEDIAN * Quantiles.median(sizes);
    }

    /** Logarithms of the ratios of the times in both. */
    private static DoubleStream logs(Map<String, double[][]> base, Map<String, double[][]> changed) {
        return changed.keySet().stream().filter(base::containsKey)
                .mapToDouble(key -> Math.log(Bootstrap.ratio(base.get(key), changed.get(key))));
    }

    private static double geometricMean(DoubleStream ratios) {
        return Math.exp(ratios.map(Math::log).average().orElse(Double.NaN));
    }

    /** The rows that are slower, and by so much that their ratio is below the threshold. */
    @JsonIgnore
    List<Change> regressions(double failBelow) {
        return rows.stream().filter(row -> row.verdict() == Verdict.SLOWER && row.ratio() < failBelow).toList();
    }

    /** How many rows have a verdict. */
    long count(Verdict verdict) {
        return rows.stream().filter(row -> row.verdict() == verdict).count();
    }
}
