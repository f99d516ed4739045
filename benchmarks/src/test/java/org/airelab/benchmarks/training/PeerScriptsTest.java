package org.airelab.benchmarks.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What benchmarks/peers' programs say where there is a Python and no PyTorch. */
class PeerScriptsTest {
    private String output;

    /** Runs a program without site packages, where PyTorch would be. */
    private int run(String script, String... arguments) throws IOException, InterruptedException {
        List<String> command = Stream.concat(Stream.of("python3", "-I", "-S", "peers/" + script), Stream.of(arguments))
                .toList();
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor();
    }

    @BeforeAll
    static void needsPython() throws InterruptedException {
        assumeTrue(python(), "SKIPPED: there is no python3 of version 3.9 or newer");
    }

    private static boolean python() throws InterruptedException {
        String version = "import sys; sys.exit(sys.version_info < (3, 9))"; // as PyTorch 2.5 needs
        try {
            return new ProcessBuilder("python3", "-c", version).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"kernels_pytorch.py", "train_pytorch.py"})
    void helpNeedsNoTorch(String script) throws IOException, InterruptedException {
        assertEquals(0, run(script, "-h"), output);
        assertTrue(output.startsWith("usage: " + script), output);
    }

    @ParameterizedTest
    @ValueSource(strings = {"kernels_pytorch.py", "train_pytorch.py"})
    void withoutTorchThatIsSaid(String script) throws IOException, InterruptedException {
        assertEquals(3, run(script), output);
        assertTrue(output.startsWith("error: ") && output.contains("has no module torch"), output);
        assertEquals(2, output.lines().count(), output);
    }

    @Test
    void whatCannotBeReadOrWrittenIsToldBeforeAnyWork(@TempDir Path folder) throws IOException, InterruptedException {
        for (Path path : List.of(folder, folder.resolve("none/report.json"))) {
            assertEquals(2, run("kernels_pytorch.py", "--out", path.toString()), output);
            assertTrue(output.contains("argument --out: " + path + " cannot be written"), output);
            assertEquals(2, run("kernels_pytorch.py", "--lab", path.toString()), output);
            assertTrue(output.contains("expected a report.json of lab bench, found " + path), output);
        }
        Path other = Files.writeString(folder.resolve("other.json"), "[]");
        assertEquals(2, run("kernels_pytorch.py", "--lab", other.toString()), output);
        assertTrue(output.contains("found " + other + ", which has no rows"), output);
        Path out = folder.resolve("report.json");
        assertEquals(3, run("kernels_pytorch.py", "--out", out.toString()), output);
        assertEquals(List.of(other), Files.list(folder).toList());
    }
}
