package org.airelab.torch;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * libtorch's error log. It is the only place where the C interface says why a call failed, and it goes to standard
 * error. It is kept silent, and read when a failed call is repeated.
 */
final class ErrorLog {
    private static final int SILENT = 3;
    private static final int ERRORS = 2;
    private static final int STDERR = 2;
    private static final int WRITE_ONLY = 1;
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle DUP = libc("dup", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle DUP2 = libc("dup2", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle CLOSE = libc("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle OPEN = libc("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MemorySegment LEVEL = level();

    private ErrorLog() {
    }

    /** Makes the call again; null when it succeeds now, else libtorch's message without its C++ stack. */
    static synchronized String during(Libtorch.NativeCall call) throws Throwable {
        Path file = Files.createTempFile("libtorch", ".log");
        int standardError = (int) DUP.invokeExact(STDERR);
        try (Arena arena = Arena.ofConfined()) {
            int log = (int) OPEN.invokeExact(arena.allocateFrom(file.toString()), WRITE_ONLY);
            redirect(log);
            int ignored = (int) CLOSE.invokeExact(log);
            LEVEL.set(JAVA_INT, 0, ERRORS);
            if (call.run() == 0) {
                return null;
            }
            return message(file);
        } finally {
            LEVEL.set(JAVA_INT, 0, SILENT);
            redirect(standardError);
            int ignored = (int) CLOSE.invokeExact(standardError);
            Files.deleteIfExists(file);
        }
    }

    private static void redirect(int target) throws Throwable {
        if ((int) DUP2.invokeExact(target, STDERR) < 0) {
            throw new IOException("cannot redirect standard error");
        }
    }

    private static String message(Path file) throws IOException {
        String log = Files.readString(file, StandardCharsets.UTF_8);
        String text = log.replaceFirst("(?s)^.*?Exception in aoti_torch: ", "")
                .replaceFirst("(?s)\\nException raised from .*$", "").strip();
        return text.isEmpty() ? "libtorch gave no reason" : text;
    }

    /** The log's level in libc10, silenced; in a libtorch without that variable a dummy stands in. */
    private static MemorySegment level() {
        Optional<MemorySegment> flag = Libtorch.loaded("libc10.so")
                .flatMap(path -> SymbolLookup.libraryLookup(path, Arena.global()).find("FLAGS_caffe2_log_level"));
        MemorySegment level = flag.map(address -> address.reinterpret(Integer.BYTES))
                .orElseGet(() -> Arena.global().allocate(JAVA_INT));
        level.set(JAVA_INT, 0, SILENT);
        return level;
    }

    /** Silences the log: what it would say is in the exceptions, and replaced kernels are no news. */
    static void silence() {
        LEVEL.set(JAVA_INT, 0, SILENT);
    }

    private static MethodHandle libc(String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(LINKER.defaultLookup().find(name).orElseThrow(), type);
    }
}
