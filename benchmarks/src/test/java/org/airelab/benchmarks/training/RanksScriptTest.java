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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** benchmarks/gpu/ranks.sh with a launcher that only writes down losses, and of one run what it is told to. */
class RanksScriptTest {
    /** {@code pretrain --config FILE --out FOLDER ...}: 20 losses and two validations, a loss of them {@code $ODD}. */
    private static final String LAB = """
            #!/usr/bin/env bash
            echo "$*" >> "$CALLS"
            run=$5
            [ "${run##*/} $FAILS" != "$ODD_RUN exit" ] || exit 3
            mkdir -p "$run"
            for step in $(seq 20); do
                loss=5.$((100 - step))
                [ "${run##*/} $step $FAILS" != "$ODD_RUN 7 loss" ] || loss=$ODD
                echo "{\\"step\\":$step,\\"seconds\\":1.5,\\"train_loss\\":$loss,\\"mfu\\":1E-3}"
                if [ $((step % 10)) = 0 ]; then
                    loss=4.5
                    [ "${run##*/} $FAILS" != "$ODD_RUN validation" ] || loss=$ODD
                    echo "{\\"step\\":$step,\\"val_loss\\":$loss}"
                fi
            done > "$run/metrics.jsonl"
            [ "${run##*/} $FAILS" = "$ODD_RUN silence" ] || echo "ranks      some; arrays exchanged by pigeons"
            """;

    @TempDir
    private Path folder;
    private String output;

    private int run(String device, String run, String fails, String value) throws IOException, InterruptedException {
        Path lab = Files.writeString(folder.resolve("lab"), LAB);
        assertTrue(lab.toFile().setExecutable(true));
        ProcessBuilder builder = new ProcessBuilder("bash", "gpu/ranks.sh").redirectErrorStream(true);
        builder.environment().put("LAB", lab.toString());
        builder.environment().put("REPORTS", folder.resolve("reports").toString());
        builder.environment().put("CALLS", folder.resolve("calls").toString());
        builder.environment().put("DEVICE", device);
        builder.environment().put("ODD_RUN", run);
        builder.environment().put("FAILS", fails);
        builder.environment().put("ODD", value);
        Process process = builder.start();
        output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor();
    }

    private List<String> wrong() {
        return output.lines().filter(line -> line.contains("WRONG")).map(line -> line.split(" ")[0]).toList();
    }

    @Test
    void allAreRight() throws IOException, InterruptedException {
        assertEquals(0, run("cuda", "", "", ""), output);
        assertEquals(7, output.lines().filter(line -> line.endsWith(" OK")).count(), output);
        assertTrue(output.matches("(?s).*tp=2 +0.0e\\+00 +\\d+ s  pigeons +OK.*"), output);
        List<String> calls = Files.readAllLines(folder.resolve("calls"));
        assertTrue(calls.getFirst().endsWith("/one --device cuda"), calls.getFirst());
        for (String options : List.of("--mesh dp=2 --backend shm", "--nproc 2 --backend shm --zero 3",
                "--mesh tp=2 --backend shm", "--mesh pp=2 --backend shm", "--mesh cp=2 --backend shm",
                "--backend nccl")) {
            assertEquals(1, calls.stream().filter(call -> call.endsWith("--device cuda " + options)).count(), options);
        }
    }

    /** The seventh loss is 5.93. */
    @ParameterizedTest
    @CsvSource({"dp=2, loss, 5.930011, 1", "cp=2, loss, 5.930009, 0", "zero=3, loss, 5.929989, 1",
        "pp=2, loss, \"NaN\", 1", "tp=2, validation, 4.49, 1", "one-nccl, silence, '', 1", "one-nccl, exit, '', 1"})
    void oneThatDiffersIsFound(String run, String fails, String value, int exitCode)
            throws IOException, InterruptedException {
        assertEquals(exitCode, run("cuda", run, fails, value), output);
        assertEquals(exitCode == 0 ? List.of() : List.of(run), wrong(), output);
        assertEquals(6 + 1 - exitCode, output.lines().filter(line -> line.endsWith(" OK")).count(), output);
    }

    /** Where not even one rank trains nothing can be compared. */
    @Test
    void oneRankThatFailsEndsIt() throws IOException, InterruptedException {
        assertEquals(3, run("cpu", "one", "exit", ""), output);
        assertEquals(1, Files.readAllLines(folder.resolve("calls")).size());
    }

    @Test
    void withoutGpuSharedMemoryTakesTheirPlace() throws IOException, InterruptedException {
        assertEquals(0, run("cpu", "", "", ""), output);
        assertTrue(Files.readString(folder.resolve("calls")).contains("/one-shm --device cpu --backend shm\n"));
    }
}
