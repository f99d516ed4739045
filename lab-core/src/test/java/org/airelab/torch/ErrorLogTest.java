package org.airelab.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ErrorLogTest {
    /** In a process of its own: Java looks up the temporary folder once. */
    @Test
    void libtorchsMessageNeedsNoTemporaryFolder() throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> !argument.startsWith("-javaagent")).forEach(command::add);
        command.addAll(List.of("-Djava.io.tmpdir=/no/such/folder", "-cp", System.getProperty("java.class.path"),
                Program.class.getName()));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        assertTrue(said.contains("mat1 and mat2 shapes cannot be multiplied (2x3 and 5x4)"), said);
    }

    /** Makes a call that fails and prints why. */
    static final class Program {
        private Program() {
        }

        public static void main(String[] arguments) {
            try (NDManager manager = NDManager.newBaseManager()) {
                Aten.linear(manager, manager.ones(new Shape(2, 3)), manager.ones(new Shape(4, 5)), null);
            } catch (EngineException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}
