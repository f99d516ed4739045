package org.airelab.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.airelab.base.Terminal;

/**
 * Standard output and error as a filter needs them: UTF-8 whatever the locale, and on standard output a closed
 * pipe or a full disk ends the program. ({@link PrintStream} swallows both otherwise, and
 * {@code lab tokenizer decode | head} would work on for nobody.)
 */
final class StandardStreams {
    private static final int BUFFER_BYTES = 1 << 16;

    private StandardStreams() {
    }

    /** Replaces {@link System#out} and {@link System#err}. */
    static void install() {
        System.setOut(checked(new FileOutputStream(FileDescriptor.out)));
        System.setErr(new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8));
        takeBackIncubatorWarning();
    }

    /**
     * Whenever the Vector API's module is there, the JVM says on standard error that it is an incubator module, and
     * there is no option against it. The launcher says whether that is a terminal: there the line is erased.
     */
    private static void takeBackIncubatorWarning() {
        if (Terminal.error() && ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
            System.err.print("\u001b[1A\r\u001b[K");
        }
    }

    /** A print stream, flushed at line ends, whose failures to write are {@link UncheckedIOException}s. */
    static PrintStream checked(OutputStream out) {
        return new PrintStream(new BufferedOutputStream(new Checked(out), BUFFER_BYTES), true, StandardCharsets.UTF_8);
    }

    /** Throws at the first failure and discards what is written after it: whoever reports it may print on. */
    private static final class Checked extends FilterOutputStream {
        private boolean failed;

        Checked(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            if (failed) {
                return;
            }
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                failed = true;
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void write(int value) {
            write(new byte[] {(byte) value}, 0, 1);
        }
    }
}
