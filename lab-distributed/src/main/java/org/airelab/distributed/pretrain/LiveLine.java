package org.airelab.distributed.pretrain;

import java.io.PrintStream;
import java.util.Locale;
import org.airelab.base.Progress;
import org.airelab.train.Trainer.StepReport;

/**
 * The line a person watches while a model trains. On a terminal it is redrawn in place; elsewhere a plain line comes
 * every {@value #PLAIN_SECONDS} seconds.
 */
final class LiveLine {
    private static final double PLAIN_SECONDS = 10;
    private static final double TERMINAL_SECONDS = 0.1;
    /** Weight of a new step in the running mean of the loss. */
    private static final double NEWEST = 0.1;

    private final PrintStream out;
    private final boolean terminal;
    private final long steps;
    private double smoothedLoss = Double.NaN;
    private long lastShown = System.nanoTime();
    private boolean drawn;

    LiveLine(PrintStream out, boolean terminal, long steps) {
        this.out = out;
        this.terminal = terminal;
        this.steps = steps;
    }

    /**
     * Takes in a step.
     *
     * @param tokensPerSecond of the last steps
     * @param mfu             model FLOP utilization, 0 to 1
     * @param memoryMb        what the process, or the GPU, holds
     * @param secondsLeft     estimate
     */
    void step(StepReport report, double tokensPerSecond, double mfu, long memoryMb, double secondsLeft) {
        smoothedLoss = Double.isNaN(smoothedLoss) ? report.loss()
                : (1 - NEWEST) * smoothedLoss + NEWEST * report.loss();
        long now = System.nanoTime();
        boolean due = (now - lastShown) / 1e9 >= (terminal ? TERMINAL_SECONDS : PLAIN_SECONDS);
        if (due || report.step() == 1 || report.step() == steps) {
            lastShown = now;
            show(String.format(Locale.ROOT,
                    "step %,d/%,d | loss %.4f | lr %.2e | grad %.2f | %s tok/s | MFU %.0f%% | %s | ETA %s",
                    report.step(), steps,
                    smoothedLoss, report.learningRate(), report.gradientNorm(), Progress.count(tokensPerSecond),
                    100 * mfu, memory(memoryMb),
                    Progress.duration(secondsLeft)));
        }
    }

    private static String memory(long mb) {
        return mb < 1000 ? mb + " MB" : String.format(Locale.ROOT, "%.1f GB", mb / 1024.0);
    }

    private void show(String line) {
        if (terminal) {
            out.print("\r\u001b[K" + line);
            drawn = true;
        } else {
            out.println(line);
        }
        out.flush();
    }

    /** Prints a line that stays, above the live one. */
    void println(String line) {
        if (drawn) {
            out.print("\r\u001b[K");
            drawn = false;
        }
        out.println(line);
        out.flush();
    }

    /** Leaves the live line as it stands. */
    void finish() {
        if (drawn) {
            out.println();
            drawn = false;
        }
    }
}
