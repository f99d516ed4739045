package org.airelab.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.airelab.base.ExitHandler;
import org.airelab.base.ShutdownHook;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class InterruptionTest {
    /** A command that works on until a signal ends it, or ends by itself when told to; has a destructor that tells. */
    static final class Worker {
        public static void main(String[] arguments) throws InterruptedException {
            ExitHandler.add("psignal", "destructor");
            Interruption interruption = Interruption.watch();
            try (ShutdownHook _ = new ShutdownHook("advice", () -> System.err.println("  advice"))) {
                System.out.println("working");
                if (arguments.length == 0) {
                    Thread.sleep(TimeUnit.MINUTES.toMillis(1));
                }
            }
            interruption.over();
        }
    }

    @BeforeEach
    void requireExitHandlers() {
        ExitHandler.require();
    }

    @Test
    void aSignalIsSaidOnALineOfItsOwnBeforeAllElseAndNothingIsDestroyed() throws Exception {
        Process process = start();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            assertEquals("working", out.readLine());
            // Not Process.destroy(): that closes the streams as well.
            process.toHandle().destroy();
            assertEquals("interrupted\n  advice", errors(process));
        }
        assertTrue(process.waitFor(1, TimeUnit.MINUTES));
        assertEquals(128 + 15, process.exitValue());
    }

    @Test
    void anEndByItselfSaysNothingAndRunsDestructors() throws Exception {
        Process process = start("end");
        String errors = errors(process);
        assertTrue(errors.matches("destructor: [^\n]*0"), errors);
        assertEquals(0, process.waitFor());
    }

    private static Process start(String... arguments) throws Exception {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                Worker.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).start();
    }

    private static String errors(Process process) throws Exception {
        try (var err = new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            return String.join("\n", err.lines()
                    .filter(line -> !line.startsWith("WARNING") && !line.startsWith("Picked up")).toList());
        }
    }
}
