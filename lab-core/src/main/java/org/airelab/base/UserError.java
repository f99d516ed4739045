package org.airelab.base;

/**
 * A failure the user can do something about. The message is one sentence that says what is wrong, with the
 * value found and the values allowed; the advice is one sentence that says what to do. The command line
 * prints both without a stack trace and leaves with {@link #exitCode()}.
 */
public final class UserError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The answer is no: a regression, a failed check, a diverged run. */
    public static final int FAILED = 1;
    /** Wrong usage or bad input. */
    public static final int BAD_INPUT = 2;
    /** This machine lacks something: a device, a library, disk space, a connection. */
    public static final int MACHINE = 3;
    /** Another process that this one works with is gone: the same may go well next time (sysexits.h: EX_TEMPFAIL). */
    public static final int LOST = 75;

    private final String advice;
    private final int exitCode;

    private UserError(int exitCode, String message, String advice, Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
        this.advice = advice;
    }

    /** The work was done and its answer is no. */
    public static UserError failed(String message, String advice) {
        return new UserError(FAILED, message, advice, null);
    }

    /** What this process has worked on with others cannot go on, as one of them has ended or come to another end. */
    public static UserError lost(String message, String advice) {
        return new UserError(LOST, message, advice, null);
    }

    /** What was asked for, or a file that was given, is wrong. */
    public static UserError badInput(String message, String advice) {
        return new UserError(BAD_INPUT, message, advice, null);
    }

    /** As {@link #badInput(String, String)}, keeping the exception that showed it. */
    public static UserError badInput(String message, String advice, Throwable cause) {
        return new UserError(BAD_INPUT, message, advice, cause);
    }

    /** The request is fine, this machine cannot serve it. */
    public static UserError machine(String message, String advice) {
        return new UserError(MACHINE, message, advice, null);
    }

    /** As {@link #machine(String, String)}, keeping the exception that showed it. */
    public static UserError machine(String message, String advice, Throwable cause) {
        return new UserError(MACHINE, message, advice, cause);
    }

    /** What to do about it: one sentence. */
    public String advice() {
        return advice;
    }

    /** {@link #FAILED}, {@link #BAD_INPUT}, {@link #MACHINE} or {@link #LOST}. */
    public int exitCode() {
        return exitCode;
    }
}
