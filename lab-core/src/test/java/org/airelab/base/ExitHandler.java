package org.airelab.base;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import org.junit.jupiter.api.Assumptions;

/** What C's exit() calls at the end of this process, as it calls the destructors of libraries. */
public final class ExitHandler {
    private ExitHandler() {
    }

    /** Registers a function of C's library; it is called with the exit code and the text. */
    public static void add(String function, String text) {
        Linker linker = Linker.nativeLinker();
        SymbolLookup libc = linker.defaultLookup();
        try {
            int failed = (int) linker.downcallHandle(libc.findOrThrow("on_exit"),
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS))
                    .invokeExact(libc.findOrThrow(function), Arena.global().allocateFrom(text));
            if (failed != 0) {
                throw new IllegalStateException("on_exit failed");
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError("foreign functions throw nothing", t);
        }
    }

    /** Skips a test where the C library is not glibc. */
    public static void require() {
        Assumptions.assumeTrue(Linker.nativeLinker().defaultLookup().find("on_exit").isPresent(),
                "SKIPPED: this C library has no on_exit");
    }
}
