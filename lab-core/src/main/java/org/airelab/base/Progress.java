package org.airelab.base;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;

/**
 * One line about long work: how far, how fast, how much longer. On a terminal the line is redrawn in place;
 * elsewhere a plain line is printed now and then. Safe to call from several threads.
 */
public final class Progress implements AutoCloseable {
    private static final long TERMINAL_NANOS = 100_000_000L;
    private static final long PLAIN_NANOS = 10_000_000_000L;

    private final PrintStream out;
    private final boolean terminal;
    private final String what;
    private final String unit;
    private long total;
    private final long start = System.nanoTime();
    private long lastShown;
    private long before;
    private long done;
    private boolean shown;
    private String remark = "";

    /**
     * @param what  the work, as a gerund: "tokenizing"
     * @param total units in all, or 0 when unknown
     * @param unit  what is counted: "tokens", "MB"
     */
    public Progress(PrintStream out, boolean terminal, String what, long total, String unit) {
        this.out = out;
        this.terminal = terminal;
        this.what = what;
        this.total = total;
        this.unit = unit;
        this.lastShown = start;
    }

    /** Progress on standard error, redrawn in place when it is a terminal. */
    public static Progress on(String what, long total, String unit) {
        return new Progress(System.err, Terminal.error(), what, total, unit);
    }

    /** Sets how many units were done before this work began: they count as done, but not for its rate. */
    public synchronized void begin(long unitsBefore) {
        before = unitsBefore;
        done = unitsBefore;
    }

    /** Sets how many units there are in all, where that turns out only as the work goes on. */
    public synchronized void expect(long units) {
        total = units;
    }

    /** Sets what else to tell at the line's end, such as "3% of samples disturbed"; empty for nothing. */
    public synchronized void remark(String text) {
        remark = text.isEmpty() ? "" : "; " + text;
    }

    /** Sets how many units are done in all; fewer than before when earlier work had to be thrown away. */
    public synchronized void update(long unitsDone) {
        done = unitsDone;
        before = Math.min(before, done);
        long now = System.nanoTime();
        if (now - lastShown >= (terminal ? TERMINAL_NANOS : PLAIN_NANOS)) {
            lastShown = now;
            show(now, false);
        }
    }

    /** Adds units to those done. */
    public synchronized void advance(long units) {
        update(done + units);
    }

    /** Ends the line with the work's total and rate. Work shorter than a second stays silent off a terminal. */
    @Override
    public synchronized void close() {
        long now = System.nanoTime();
        if (terminal || shown || now - start > 1_000_000_000L) {
            show(now, true);
        }
    }

    private void show(long now, boolean last) {
        shown = true;
        String line = describe((now - start) / 1e9, last) + remark;
        if (terminal) {
            out.print("\r\u001b[K" + line + (last ? System.lineSeparator() : ""));
        } else {
            out.println(line);
        }
        out.flush();
    }

    private String describe(double seconds, boolean last) {
        double rate = (done - before) / Math.max(seconds, 1e-9);
        String line = total > 0
                ? String.format(Locale.ROOT, "%s: %,d of %,d %s (%.0f%%), %s/s", what, done, total, unit,
                        100.0 * done / total, count(rate))
                : String.format(Locale.ROOT, "%s: %,d %s, %s/s", what, done, unit, count(rate));
        if (last) {
            return line + ", took " + duration(seconds);
        }
        return total > 0 && rate > 0 ? line + ", " + duration((total - done) / rate) + " left" : line;
    }

    /** A count in three digits: 4.56M, 12.3k, 987. */
    public static String count(double value) {
        String[] units = {"", "k", "M", "G", "T"};
        int unit = 0;
        while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        int decimals = unit == 0 && value == Math.rint(value) || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
        return String.format(Locale.ROOT, "%." + decimals + "f%s", value, units[unit]);
    }

    /** A time a person reads at a glance: 0.8s, 42s, 3m05s, 2h10m, 4d03h. */
    public static String duration(double seconds) {
        if (seconds < 10) {
            return String.format(Locale.ROOT, "%.1fs", seconds);
        }
        Duration d = Duration.ofSeconds(Math.round(seconds));
        if (d.toDays() > 0) {
            return String.format(Locale.ROOT, "%dd%02dh", d.toDays(), d.toHoursPart());
        }
        if (d.toHours() > 0) {
            return String.format(Locale.ROOT, "%dh%02dm", d.toHours(), d.toMinutesPart());
        }
        return d.toMinutes() > 0 ? String.format(Locale.ROOT, "%dm%02ds", d.toMinutes(), d.toSecondsPart())
                : d.toSeconds() + "s";
    }
}
