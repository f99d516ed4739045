package org.airelab.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.airelab.base.ExitHandler;
import org.airelab.torch.Autograd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The end of a process in whose libtorch a thread is at work. */
class InterruptedBackwardTest {
    @Test
    void isNoCrash(@TempDir Path folder) throws IOException, InterruptedException {
        ExitHandler.require();
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> !argument.startsWith("-javaagent")).forEach(command::add);
        command.addAll(List.of("-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + folder.resolve("hs_err.log"),
                "-cp", System.getProperty("java.class.path"), Program.class.getName()));
        Path said = folder.resolve("said.txt");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
        int exitCode = process.waitFor();
        // The exit code alone may hide it: exit() goes on while the JVM writes down why another thread has crashed.
        assertEquals("interrupted", String.join("\n", Files.readAllLines(said).stream()
                .filter(line -> !line.startsWith("WARNING") && !line.startsWith("Picked up")).toList()));
        assertEquals(Program.EXIT_CODE, exitCode);
    }

    /** Ends while another thread is in one long backward pass. */
    static final class Program {
        /** Also the seconds the last handler sleeps. */
        static final int EXIT_CODE = 1;
        /** A backward pass of a second or more. So few elements are computed by one thread, however many there are. */
        private static final int NODES = 100_000;
        private static final int ELEMENTS = 1 << 14;

        private Program() {
        }

        public static void main(String[] arguments) throws InterruptedException {
            // The first that is registered is called last: libtorch's objects, if destroyed, are so for a second before
            // the process is gone. (Of a CUDA build, whose end takes its time, nothing like it is needed.)
            ExitHandler.add("sleep", "");
            Interruption.watch();
            CountDownLatch begins = new CountDownLatch(1);
            Thread.ofPlatform().daemon().start(() -> backward(begins));
            begins.await();
            Thread.sleep(50);
            System.exit(EXIT_CODE);
        }

        private static void backward(CountDownLatch begins) {
            try (NDManager manager = NDManager.newBaseManager(Device.cpu());
                    Autograd.Mode _ = Autograd.recording()) {
                NDArray x = manager.zeros(new Shape(ELEMENTS));
                x.setRequiresGradient(true);
                NDArray y = x.mul(1);
                for (int i = 1; i < NODES; i++) {
                    try (NDArray below = y) {
                        y = below.mul(1);
                    }
                }
                NDArray dy = y.onesLike();
                begins.countDown();
                Autograd.backward(y, dy);
            }
        }
    }
}
