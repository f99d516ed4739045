package org.airelab.base;

/**
 * Whether a person watches a stream: a terminal that understands carriage returns. The launcher knows (a JVM can ask
 * for standard input and output together only) and says so by the properties {@code lab.stdout} and {@code lab.stderr}.
 */
public final class Terminal {
    private Terminal() {
    }

    /** Whether standard output is one. */
    public static boolean output() {
        return is("lab.stdout");
    }

    /** Whether standard error is one. */
    public static boolean error() {
        return is("lab.stderr");
    }

    private static boolean is(String property) {
        return "terminal".equals(System.getProperty(property));
    }
}
