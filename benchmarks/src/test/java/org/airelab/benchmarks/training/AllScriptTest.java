package org.airelab.benchmarks.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** benchmarks/gpu/all.sh beside scripts that only write down that they were called. */
class AllScriptTest {
    private static final List<String> SCRIPTS = List.of("measure.sh", "parity.sh", "ranks.sh", "train.sh");

    @TempDir
    private Path folder;
    private String output;

    private Path program(String name, String text) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/usr/bin/env bash\n" + text + "\n");
        assertTrue(file.toFile().setExecutable(true));
        return file;
    }

    /** @param failing the script that ends with that exit code */
    private int run(String failing, int code) throws IOException, InterruptedException {
        Files.copy(Path.of("gpu/all.sh"), folder.resolve("all.sh"));
        for (String script : SCRIPTS) {
            program(script, "echo " + script + " $* >> " + folder + "/calls\nexit "
                    + (script.equals(failing) ? code : 0));
        }
        program("lab", "exit 9");
        ProcessBuilder builder = new ProcessBuilder("bash", folder.resolve("all.sh").toString(), "--quick")
                .redirectErrorStream(true);
        builder.environment().put("LAB", folder.resolve("lab").toString());
        builder.environment().put("PATH", "/usr/bin:/bin");
        Process process = builder.start();
        output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor();
    }

    private List<String> calls() throws IOException {
        return Files.readAllLines(folder.resolve("calls"));
    }

    @Test
    void runsEveryScriptThatIsThere() throws IOException, InterruptedException {
        assertEquals(0, run("", 0), output);
        assertEquals(List.of("measure.sh --quick", "parity.sh", "ranks.sh", "train.sh"), calls());
        try (var scripts = Files.list(Path.of("gpu"))) {
            String all = Files.readString(Path.of("gpu/all.sh"));
            scripts.map(path -> path.getFileName().toString()).filter(name -> !name.equals("all.sh"))
                    .forEach(name -> assertTrue(all.contains("run " + name), name));
        }
    }

    @Test
    void aScriptThatFindsSomethingWrongKeepsNoneFromRunning() throws IOException, InterruptedException {
        assertEquals(1, run("parity.sh", 1), output);
        assertEquals(4, calls().size());
        assertTrue(output.contains("all.sh: parity.sh ended with exit code 1"), output);
    }

    @Test
    void withoutAGpuNothingMoreIsRun() throws IOException, InterruptedException {
        assertEquals(3, run("measure.sh", 3), output);
        assertEquals(List.of("measure.sh --quick"), calls());
    }
}
