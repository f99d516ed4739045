package org.airelab.kernels.cuda;

/** A source the compiler rejects; the message holds what it said. */
public final class CompilationException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final int MOST_LINES = 60;

    CompilationException(String source, String architecture, String compiler, String log) {
        super(source + " does not compile for " + architecture + " with " + compiler + ":\n" + shortened(log));
    }

    private static String shortened(String log) {
        String[] lines = log.strip().split("\n", MOST_LINES + 1);
        if (lines.length > MOST_LINES) {
            lines[MOST_LINES] = "(and " + lines[MOST_LINES].lines().count() + " lines more)";
        }
        return String.join("\n", lines);
    }
}
