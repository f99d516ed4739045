package org.airelab.distributed.group.nccl;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
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
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.airelab.distributed.JavaCommand;
import org.airelab.distributed.group.SlowWork;

/** The driver and the NCCL of fake_cuda.cpp and fake_nccl.cpp, for JVMs that are started with them. */
public final class FakeNccl {
    private static final String DRIVER = "libcuda.so.1";
    private static final String NCCL = "libnccl.so.2";

    private FakeNccl() {
    }

    /** Compiles both into a folder. */
    public static void compile(Path folder) throws IOException, InterruptedException {
        assumeTrue(List.of(System.getenv("PATH").split(":")).stream()
                .anyMatch(path -> Files.isExecutable(Path.of(path, "g++"))),
                "NCCL groups are not tested: there is no g++ to compile a fake NCCL with");
        // JCuda asks for symbols of the driver's version.
        Path versions = Files.writeString(folder.resolve("versions"), DRIVER + " { global: *; };");
        compile(folder, "fake_cuda.cpp", DRIVER, "-Wl,--version-script=" + versions);
        compile(folder, "fake_nccl.cpp", NCCL, folder.resolve(DRIVER).toString());
    }

    private static void compile(Path folder, String resource, String name, String last)
            throws IOException, InterruptedException {
        Path source = folder.resolve(resource);
        try (InputStream in = FakeNccl.class.getResourceAsStream(resource)) {
            Files.copy(in, source);
        }
        Process process = new ProcessBuilder("g++", "-std=c++17", "-Wall", "-Wextra", "-shared", "-fPIC", "-pthread",
                "-Wl,-soname," + name, "-o", folder.resolve(name).toString(), source.toString(), last)
                .redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertEquals("", output);
    }

    /** Runs a main class in a JVM with both, and returns what it printed when it ended well. */
    public static String run(Path folder, Class<?> main, String... arguments) throws IOException, InterruptedException {
        return run(folder, 8, JavaCommand.of(main, List.of("-XX:TieredStopAtLevel=1"), arguments));
    }

    /** Runs a command with both and so many devices, and returns what it printed when it ended well. */
    public static String run(Path folder, int devices, List<String> command) throws IOException, InterruptedException {
        Path log = Files.createTempFile(folder, "log", ".txt");
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("LD_LIBRARY_PATH", folder.toString());
        builder.environment().put("FAKE_DEVICES", Integer.toString(devices));
        builder.environment().keySet().removeAll(List.of("RANK", "WORLD_SIZE"));
        Process process = builder.start();
        try {
            assertTrue(process.waitFor(3, TimeUnit.MINUTES), () -> "it hangs");
        } finally {
            process.destroyForcibly();
        }
        String output = Files.readString(log);
        assertEquals(0, process.exitValue(), output);
        return output;
    }

    /** Makes communicators that are made from now on fail. */
    static void failInit(int code) {
        call(NCCL, "fake_fail_init", FunctionDescriptor.ofVoid(JAVA_INT), code);
    }

    /** Makes a rank's communicators notice an error. */
    static void asyncError(int rank, int code) {
        call(NCCL, "fake_async_error", FunctionDescriptor.ofVoid(JAVA_INT, JAVA_INT), rank, code);
    }

    /** Communicators that live. */
    static int communicators() {
        return (int) call(NCCL, "fake_communicators", FunctionDescriptor.of(JAVA_INT));
    }

    /** Keeps a stream busy. */
    public static void delay(long stream, int millis) {
        call(DRIVER, "fake_delay", FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT), MemorySegment.ofAddress(stream),
                millis);
    }

    /** Keeps a stream from going on with what is enqueued from now on, until it is released. */
    public static void hold(long stream) {
        call(DRIVER, "fake_hold", FunctionDescriptor.ofVoid(ADDRESS), MemorySegment.ofAddress(stream));
    }

    /** Lets a stream go on. */
    public static void release(long stream) {
        call(DRIVER, "fake_release", FunctionDescriptor.ofVoid(ADDRESS), MemorySegment.ofAddress(stream));
    }

    /** Lets a stream go on after a while, in which whoever does not wait for it would be done; whether it has. */
    public static BooleanSupplier releaseLater(long stream) {
        AtomicBoolean released = new AtomicBoolean();
        Thread.ofPlatform().start(() -> {
            new SlowWork(200).await();
            released.set(true);
            release(stream);
        });
        return released::get;
    }

    /** Makes each copy from and to pinned memory take so long. */
    public static void pinnedCopies(int millis) {
        call(DRIVER, "fake_pinned_copies", FunctionDescriptor.ofVoid(JAVA_INT), millis);
    }

    private static Object call(String library, String function, FunctionDescriptor descriptor, Object... arguments) {
        try {
            return Linker.nativeLinker().downcallHandle(
                    SymbolLookup.libraryLookup(library, Arena.global()).findOrThrow(function), descriptor)
                    .invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
