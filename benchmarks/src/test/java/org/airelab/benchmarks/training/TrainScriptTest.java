package org.airelab.benchmarks.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.airelab.base.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** benchmarks/gpu/train.sh with a launcher and a Python that only print what they were asked for. */
class TrainScriptTest {
    private static final String RESULT = "echo 'before'; echo '{\"tokens_per_second\": 5, \"loss\": 1}'";

    @TempDir
    private Path folder;
    private String output;

    private Path program(String name, String text) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/usr/bin/env bash\n" + text + "\n");
        assertTrue(file.toFile().setExecutable(true));
        return file;
    }

    private int run(String lab, String python, Map<String, String> variables, String... models)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(Stream.concat(Stream.of("bash", "gpu/train.sh"), Stream.of(models))
                .toList()).redirectErrorStream(true);
        builder.environment().put("LAB", program("lab", "echo \"$*\" >> " + folder + "/calls\n" + lab).toString());
        builder.environment().put("PYTHON", program("python", python).toString());
        builder.environment().put("REPORTS", folder.resolve("reports").toString());
        builder.environment().putAll(variables);
        Process process = builder.start();
        output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor();
    }

    /** Model and kind of each run that has a result, in their order. */
    private List<String> measured() throws IOException {
        try (Stream<Path> found = Files.walk(folder.resolve("reports"))) {
            Path file = found.filter(path -> path.endsWith("training.jsonl")).findFirst().orElseThrow();
            return Files.readAllLines(file).stream().map(line -> {
                try {
                    return Json.MAPPER.readTree(line).get("model").asText() + ": "
                            + Json.MAPPER.readTree(line).get("run").asText();
                } catch (IOException e) {
                    throw new IllegalStateException(line, e);
                }
            }).toList();
        }
    }

    @Test
    void theLabAndPyTorchTakeTurns() throws IOException, InterruptedException {
        assertEquals(0, run(RESULT, RESULT, Map.of("ROUNDS", "2", "RUNS", "ours eager"), "gpt2-124m"), output);
        assertEquals(List.of("gpt2-124m: lab, ours", "gpt2-124m: PyTorch eager", "gpt2-124m: lab, ours",
                "gpt2-124m: PyTorch eager"), measured());
        String call = Files.readAllLines(folder.resolve("calls")).getFirst();
        assertTrue(call.startsWith("train-speed --preset gpt2-124m --vocab 50304 --batch 32 --device cuda"), call);
        assertTrue(call.endsWith("--precision bf16 --kernels ours"), call);
    }

    @Test
    void withoutTorchTheLabAloneIsMeasured() throws IOException, InterruptedException {
        assertEquals(0, run(RESULT, "exit 1", Map.of(), "stories15m"), output);
        assertTrue(output.contains("has no torch: PyTorch is not measured"), output);
        assertEquals(List.of("stories15m: lab, ours", "stories15m: lab, torch"), measured());
    }

    @Test
    void aRunThatFailsIsToldAndTheOthersGoOn() throws IOException, InterruptedException {
        assertEquals(1, run("[[ $* != *ours ]] || exit 3\n" + RESULT, "exit 1", Map.of(), "stories15m"), output);
        assertTrue(output.contains("stories15m, lab, ours failed"), output);
        assertEquals(List.of("stories15m: lab, torch"), measured());
    }

    @Test
    void whereNothingCanRunWhatIsMissingIsTold() throws IOException, InterruptedException {
        assertEquals(3, run("echo 'error: no GPU' >&2; exit 3", "exit 1", Map.of(), "stories15m"), output);
        assertTrue(output.contains("error: no GPU"), output);
        try (Stream<Path> reports = Files.list(folder.resolve("reports"))) {
            assertEquals(0, reports.count());
        }
    }

    @Test
    void anUnknownModelIsRefused() throws IOException, InterruptedException {
        assertEquals(2, run(RESULT, RESULT, Map.of(), "llama-7b"));
    }
}
