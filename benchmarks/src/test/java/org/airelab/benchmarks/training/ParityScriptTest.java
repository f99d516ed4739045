package org.airelab.benchmarks.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** benchmarks/gpu/parity.sh with a launcher that only writes losses. */
class ParityScriptTest {
    /** Finds the run's folder among the options and writes two steps there, the losses of which are {@code $loss}. */
    private static final String TRAIN = """
            out=$(sed 's/.*--out //' <<< "$*")
            mkdir -p "$out"
            for step in 1 2; do
                printf '{"step":%d,"train_loss":%s,"mfu":0.5}\\n' $step $loss
            done > "$out/metrics.jsonl"
            """;

    @TempDir
    private Path folder;
    private String output;

    private int run(String launcher) throws IOException, InterruptedException {
        Path lab = Files.writeString(folder.resolve("lab"), "#!/usr/bin/env bash\n" + launcher);
        assertTrue(lab.toFile().setExecutable(true));
        ProcessBuilder builder = new ProcessBuilder("bash", "gpu/parity.sh", "stories15m").redirectErrorStream(true);
        builder.environment().putAll(new HashMap<>(Map.of("LAB", lab.toString(), "STEPS", "2", "REPORTS",
                folder.resolve("reports").toString())));
        Process process = builder.start();
        output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor();
    }

    @Test
    void lossesThatDifferByLessThanIsAllowedAreOk() throws IOException, InterruptedException {
        assertEquals(0, run("loss=3.5; [[ $* != *bf16* ]] || loss=3.51\n" + TRAIN), output);
        assertTrue(output.contains("| stories15m | fp32 | ours | 2 | 0.0e+00 | 2e-4 | ok |"), output);
        assertTrue(output.contains("| stories15m | bf16 | ours | 2 | 1.0e-02 | 5e-2 | ok |"), output);
    }

    @Test
    void oneKindOfKernelsThatLearnsOtherwiseIsFound() throws IOException, InterruptedException {
        assertEquals(1, run("loss=3.5; [[ $* != *fp32*ours* ]] || loss=3.501\n" + TRAIN), output);
        assertTrue(output.contains("| stories15m | fp32 | ours | 2 | 1.0e-03 | 2e-4 | **DIFFERENT** |"), output);
        assertTrue(output.contains("| stories15m | bf16 | ours | 2 | 0.0e+00 | 5e-2 | ok |"), output);
    }

    @Test
    void lossesThatAreNoNumbersAreDifferent() throws IOException, InterruptedException {
        assertEquals(1, run("loss=3.5; [[ $* != *bf16*ours* ]] || loss='\"NaN\"'\n" + TRAIN), output);
        assertTrue(output.contains("| stories15m | bf16 | ours | 0 | 0.0e+00 | 5e-2 | **DIFFERENT** |"), output);
    }

    @Test
    void aRunThatFailsIsToldAndTheOthersAreCompared() throws IOException, InterruptedException {
        assertEquals(1, run("[[ $* != *bf16*torch* ]] || exit 3\nloss=3.5\n" + TRAIN), output);
        assertTrue(output.contains("stories15m-bf16-torch failed"), output);
        assertTrue(output.contains("| stories15m | bf16 | torch | 0 | 0.0e+00 | 5e-2 | **FAILED** |"), output);
        assertTrue(output.contains("| stories15m | bf16 | ours | 2 | 0.0e+00 | 5e-2 | ok |"), output);
    }

    @Test
    void whatIsMissingIsToldAtOnce() throws IOException, InterruptedException {
        assertEquals(3, run("echo \"$*\" >> " + folder + "/calls; echo 'error: no GPU' >&2; exit 3"), output);
        assertTrue(output.contains("error: no GPU"), output);
        assertEquals(1, Files.readAllLines(folder.resolve("calls")).size());
        try (Stream<Path> reports = Files.list(folder.resolve("reports"))) {
            assertEquals(0, reports.count());
        }
    }
}
