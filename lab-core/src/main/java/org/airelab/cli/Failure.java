package org.airelab.cli;

import ai.djl.engine.EngineException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.airelab.base.IoReasons;
import org.airelab.base.UserError;
import org.airelab.kernels.cuda.MissingCudaException;
import org.airelab.torch.OutOfMemory;

/**
 * What a command's end by an exception means to the user: one sentence of what is wrong, one of what to do, an
 * exit code.
 *
 * @param message  empty when there is nothing to say
 * @param cause    shown with {@code --verbose}, or null
 */
record Failure(String message, String advice, int exitCode, Throwable cause) {
    /** A fault of the program itself (sysexits.h: EX_SOFTWARE). */
    static final int BUG = 70;
    /** Nobody reads standard output any more: what a shell reports of a program ended by SIGPIPE, 128 + 13. */
    static final int BROKEN_PIPE = 141;

    /** Prints {@code error: message} and the advice below it, and returns the exit code. */
    int print(PrintWriter err, boolean verbose) {
        if (!message.isEmpty()) {
            err.println("error: " + message);
            err.println("  " + advice);
            if (verbose && cause != null) {
                cause.printStackTrace(err);
            }
        }
        err.flush();
        return exitCode;
    }

    /** The failure behind an exception. */
    static Failure of(Throwable thrown) {
        Throwable cause = unwrap(thrown);
        return switch (cause) {
            case UserError e -> new Failure(e.getMessage(), e.advice(), e.exitCode(), thrown);
            case MissingCudaException e -> new Failure(e.getMessage(), e.advice(), UserError.MACHINE, thrown);
            case IOException e -> ofIo(e, thrown);
            case EngineException e when OutOfMemory.orElse(e) instanceof UserError memory -> new Failure(
                    memory.getMessage(), memory.advice(), memory.exitCode(), thrown);
            case InvalidPathException e -> new Failure("'" + e.getInput() + "' is not a path: " + e.getReason(),
                    "Check the path, and that the locale's encoding is UTF-8.", UserError.BAD_INPUT, thrown);
            case OutOfMemoryError e -> new Failure(
                    String.format(Locale.ROOT, "out of memory (%s); the Java heap may grow to %,d MB",
                            e.getMessage(), Runtime.getRuntime().maxMemory() >> 20),
                    "Ask for less, or allow more: LAB_JAVA_OPTS=-Xmx16g lab ...", UserError.MACHINE, thrown);
            default -> new Failure("unexpected " + describe(cause) + place(cause),
                    "This is a fault of lab itself; run with --verbose for the stack trace.", BUG, thrown);
        };
    }

    private static Throwable unwrap(Throwable thrown) {
        Throwable current = thrown;
        while (current.getCause() != null && (current instanceof ExecutionException
                || current instanceof CompletionException || current instanceof InvocationTargetException
                || current instanceof UncheckedIOException
                || current instanceof picocli.CommandLine.ExecutionException)) {
            current = current.getCause();
        }
        return current;
    }

    private static Failure ofIo(IOException e, Throwable thrown) {
        String text = String.valueOf(e.getMessage());
        if (text.contains("Broken pipe")) {
            return new Failure("", "", BROKEN_PIPE, thrown);
        }
        if (text.contains("No space left on device") || text.contains("Disk quota exceeded")) {
            return new Failure("the disk is full: " + text, "Free some space, or write elsewhere.",
                    UserError.MACHINE, thrown);
        }
        if (text.contains("Read-only file system")) {
            return new Failure("cannot write: " + text, "Write elsewhere.", UserError.MACHINE, thrown);
        }
        if (text.contains("Too many open files") || text.contains("Stale file handle")) {
            return new Failure("input or output failed: " + text,
                    "Raise the limit (ulimit -n), or mount the file system anew.", UserError.MACHINE, thrown);
        }
        return switch (e) {
            case NoSuchFileException missing -> new Failure("no such file or folder: " + missing.getFile(),
                    "Check the path.", UserError.BAD_INPUT, thrown);
            case AccessDeniedException denied -> new Failure("permission denied: " + denied.getFile(),
                    "Check the permissions of this file and of the folders above it.", UserError.BAD_INPUT, thrown);
            case FileSystemException other -> new Failure(IoReasons.of(other), "Check the path.", UserError.BAD_INPUT,
                    thrown);
            default -> new Failure("input or output failed: " + describe(e),
                    "Try again; run with --verbose for the stack trace.", UserError.MACHINE, thrown);
        };
    }

    private static String describe(Throwable e) {
        String name = e.getClass().getSimpleName();
        return e.getMessage() == null ? name : name + ": " + e.getMessage().lines().findFirst().orElse("");
    }

    private static String place(Throwable e) {
        for (StackTraceElement frame : e.getStackTrace()) {
            if (frame.getClassName().startsWith("org.airelab.")) {
                return " (" + frame.getFileName() + ":" + frame.getLineNumber() + ")";
            }
        }
        return "";
    }
}
