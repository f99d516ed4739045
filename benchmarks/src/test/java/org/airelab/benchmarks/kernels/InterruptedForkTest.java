package org.airelab.benchmarks.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.Writer;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.airelab.base.Json;
import org.airelab.kernels.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InterruptedForkTest {
    /** A fork in which C's exit() has a handler to call, as it has libraries' destructors. */
    static final class Fork {
        private static final Linker LINKER = Linker.nativeLinker();

        private Fork() {
        }

        public static void main(String[] arguments) throws Throwable {
            int failed = (int) LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("on_exit"),
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS)).invokeExact(
                    LINKER.defaultLookup().findOrThrow("psignal"), Arena.global().allocateFrom("destructor"));
            assertEquals(0, failed);
            BenchmarkFork.main(arguments);
        }
    }

    @Test
    void aSignalEndsItWithoutDestructors(@TempDir Path folder) throws Exception {
        assumeTrue(Fork.LINKER.defaultLookup().find("on_exit").isPresent(), "SKIPPED: this C library has no on_exit");
        Path errors = folder.resolve("errors");
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector", "-cp",
                System.getProperty("java.class.path"), Fork.class.getName()).redirectError(errors.toFile()).start();
        try (Writer in = process.outputWriter(); BufferedReader out = process.inputReader()) {
            List<Task.Item> items = List.of(new Task.Item("softmax/forward/8192x256", "none", DType.FP32));
            in.write(Json.MAPPER.writeValueAsString(new Task(false, items, false, 1, false, Schedule.QUICK))
                    + "\n" + BenchmarkFork.Command.WARM_UP + " 0\n");
            in.flush();
            String event = out.readLine();
            assertTrue(event != null && event.contains(Task.Kind.ABSENT.name()), event);
            // Not Process.destroy(): that closes its standard input, at whose end it ends by itself.
            process.toHandle().destroy();
            assertEquals(128 + 15, process.waitFor());
        }
        assertFalse(Files.readString(errors).contains("destructor"), Files.readString(errors));
    }
}
