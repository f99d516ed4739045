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
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle DUP = libc("dup", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle DUP2 = libc("dup2", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle CLOSE = libc("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle MEMORY_FILE =
            libc("memfd_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MemorySegment NAME = Libtorch.string("libtorch.log");
    private static final MemorySegment LEVEL = level();
    private static final String NO_REASON = "libtorch gave no reason";

    private ErrorLog() {
    }

    /** Makes the call again; null when it succeeds now, else libtorch's message without its C++ stack. */
    static synchronized String during(Libtorch.NativeCall call) throws Throwable {
        // In memory: a disk that is full or cannot be written may be the very reason of what is going wrong.
        int log = (int) MEMORY_FILE.invokeExact(NAME, 0);
        int standardError = (int) DUP.invokeExact(STDERR);
        boolean caught = log >= 0 && standardError >= 0 && (int) DUP2.invokeExact(log, STDERR) >= 0;
        try {
            LEVEL.set(JAVA_INT, 0, caught ? ERRORS : SILENT);
            if (call.run() == 0) {
                return null;
            }
            return caught ? message(Path.of("/proc/self/fd/" + log)) : NO_REASON;
        } finally {
            LEVEL.set(JAVA_INT, 0, SILENT);
            if (caught) {
                int ignored = (int) DUP2.invokeExact(standardError, STDERR);
            }
            int first = (int) CLOSE.invokeExact(standardError);
            int second = (int) CLOSE.invokeExact(log);
        }
    }

    private static String message(Path file) {
        String log;
        try {
            log = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return NO_REASON;
        }
        String text = log.replaceFirst("(?s)^.*?Exception in aoti_torch: ", "")
                .replaceFirst("(?s)\\nException raised from .*$", "").strip();
        return text.isEmpty() ? NO_REASON : text;
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
