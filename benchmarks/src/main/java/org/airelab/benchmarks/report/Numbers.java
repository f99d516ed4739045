package org.airelab.benchmarks.report;

import java.util.Locale;

/** Numbers as tables show them: three digits, a dash for none. */
public final class Numbers {
    private static final String NONE = "-";

    private Numbers() {
    }

    /** Milliseconds: 12.3 ms, 45.6 us. */
    public static String time(Double ms) {
        if (ms == null) {
            return NONE;
        }
        if (ms >= 1000) {
            return digits(ms / 1000) + " s";
        }
        return ms >= 1 ? digits(ms) + " ms" : digits(ms * 1000) + " us";
    }

    static String rate(Row row) {
        if (row.tflops() == null) {
            return digits(row.gbps()) + " GB/s";
        }
        return row.tflops() >= 1 ? digits(row.tflops()) + " TFLOP/s" : digits(1000 * row.tflops()) + " GFLOP/s";
    }

    static String percent(double fraction) {
        return Math.round(100 * fraction) + "%";
    }

    /** A ratio with two decimals. */
    public static String ratio(Double ratio) {
        return ratio == null ? NONE : String.format(Locale.ROOT, "%.2f", ratio);
    }

    static String error(Double error) {
        return error == null ? NONE : String.format(Locale.ROOT, "%.1e", error);
    }

    /** Three digits: 1.23, 12.3, 123. */
    static String digits(double value) {
        return String.format(Locale.ROOT, value >= 99.95 ? "%.0f" : value >= 9.995 ? "%.1f" : "%.2f", value);
    }
}
