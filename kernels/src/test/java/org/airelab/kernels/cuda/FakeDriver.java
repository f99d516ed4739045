package org.airelab.kernels.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The driver of fake_driver.c: what Java passes to CUDA, seen from the other side. JCuda finds it under the name of the
 * real one, in a JVM that is started with it.
 */
final class FakeDriver {
    private final SymbolLookup library;

    FakeDriver(SymbolLookup library) {
        this.library = library;
    }

    /** Compiles the driver into a folder. */
    static Path compile(Path folder) throws IOException, InterruptedException {
        return compile(folder, "fake_driver.c", Driver.LIBRARY);
    }

    /** Compiles a library from a source beside this class, with the name as the version of its symbols. */
    static Path compile(Path folder, String resource, String name) throws IOException, InterruptedException {
        assumeTrue(onPath("gcc"), "SKIPPED: there is no gcc to compile the fake " + name + " with");
        Path source = folder.resolve(resource);
        try (InputStream in = FakeDriver.class.getResourceAsStream(resource)) {
            Files.copy(in, source);
        }
        Path versions = Files.writeString(folder.resolve(name + ".map"), name + " { global: *; };");
        Path library = folder.resolve(name);
        List<String> command = List.of("gcc", "-shared", "-fPIC", "-Wl,-soname," + name,
                "-Wl,--version-script=" + versions, "-o", library.toString(), source.toString());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return library;
    }

    static boolean onPath(String program) {
        return List.of(System.getenv("PATH").split(":")).stream()
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    /** Runs a main class in a JVM like this one, and returns what it printed when it ended well. */
    static String runJava(Map<String, String> environment, Class<?> main, String... arguments)
            throws IOException, InterruptedException {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        List<String> command = new ArrayList<>(List.of(java.toString(), "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }

    /** The calls so far, a line each, which are forgotten then. */
    List<String> calls() {
        MemorySegment text = (MemorySegment) call("fake_log", FunctionDescriptor.of(ADDRESS));
        List<String> lines = text.reinterpret(1 << 20).getString(0).lines().toList();
        call("fake_clear", FunctionDescriptor.ofVoid());
        return lines;
    }

    /** The thread's current device; -1 for none. */
    int current() {
        return (int) call("fake_current", FunctionDescriptor.of(JAVA_INT));
    }

    /** Makes the calls of a function fail; of none by an empty name. */
    void fail(String function, int code) {
        try (Arena arena = Arena.ofConfined()) {
            call("fake_fail", FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT), arena.allocateFrom(function), code);
        }
    }

    private Object call(String function, FunctionDescriptor descriptor, Object... arguments) {
        try {
            return Linker.nativeLinker().downcallHandle(library.findOrThrow(function), descriptor)
                    .invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
