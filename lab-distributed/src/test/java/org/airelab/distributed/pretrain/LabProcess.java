package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.airelab.cli.Lab;
import org.airelab.data.DataPreparation;
import org.airelab.distributed.JavaCommand;

/** The whole program {@code lab}, in this process or in one of its own. */
final class LabProcess {
    /** A run of a second: 200 stories, a model of 7,408 numbers. */
    private static final String TINY = """
            model: {dim: 16, layers: 1, heads: 2, kv_heads: 2, hidden_dim: 32, context_length: 16, vocab_size: 300}
            data: {train: "synthetic:stories=200"}
            train: {batch_size: 4, steps: 8}
            run: {device: cpu, eval_tokens: 256, eval_every: 4, checkpoint_every: 4}
            """;

    /** The Vector API's kernels, which other tests compare, are slow until they are compiled. */
    static final List<String> QUICK_TO_START = List.of("--kernels", "torch");

    private LabProcess() {
    }

    /** What came of a command line. */
    record Result(int exitCode, String out, String err) {
    }

    /** The command that trains a very small model, with more arguments; its configuration is written to a folder. */
    static String[] tiny(Path folder, Object... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("pretrain"));
        for (Object argument : more) {
            arguments.add(argument.toString());
        }
        if (!arguments.contains("--config")) {
            arguments.addAll(List.of("--config", Files.writeString(folder.resolve("tiny.yaml"), TINY).toString()));
        }
        return arguments.toArray(String[]::new);
    }

    /** Runs a command in this process. */
    static Result run(Path cache, String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        PrintStream standardOut = System.out;
        PrintStream standardErr = System.err;
        System.setProperty(DataPreparation.CACHE_PROPERTY, cache.toString());
        try (PrintStream toOut = new PrintStream(out, true, StandardCharsets.UTF_8);
                PrintStream toErr = new PrintStream(err, true, StandardCharsets.UTF_8)) {
            System.setOut(toOut);
            System.setErr(toErr);
            int exitCode = Lab.run(toOut, toErr, arguments);
            return new Result(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(standardOut);
            System.setErr(standardErr);
            System.clearProperty(DataPreparation.CACHE_PROPERTY);
        }
    }

    /** Requires a failure to be said in one sentence, with one of advice below it; warnings may come before. */
    static void explained(Result result, int exitCode, String message, String advice) {
        assertEquals(exitCode, result.exitCode(), result.err());
        List<String> lines = result.err().lines().filter(line -> !line.startsWith("warning: ")).toList();
        assertEquals(2, lines.size(), result.err());
        assertTrue(lines.get(0).startsWith("error: ") && lines.get(0).contains(message), result.err());
        assertTrue(lines.get(1).startsWith("  ") && lines.get(1).contains(advice), result.err());
        assertFalse(result.err().contains("Exception"), result.err());
    }

    /** Starts a command in a process of its own; what it prints is appended to {@code log}. */
    static Process start(Path cache, Path log, String... arguments) throws IOException {
        return start(cache, log, List.of(), Map.of(), arguments);
    }

    /** The same behind a launcher's command and with more variables. */
    static Process start(Path cache, Path log, List<String> launcher, Map<String, String> environment,
            String... arguments) throws IOException {
        List<String> command = new ArrayList<>(launcher);
        List<String> options = new ArrayList<>(List.of("-D" + DataPreparation.CACHE_PROPERTY + "=" + cache));
        if (List.of(arguments).containsAll(QUICK_TO_START)) {
            options.add("-XX:TieredStopAtLevel=1");
        }
        command.addAll(JavaCommand.of(Lab.class, options, arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        // Threads that wait must not take the processor from those that work where there are few of them.
        builder.environment().put("OMP_WAIT_POLICY", "PASSIVE");
        builder.environment().putAll(environment);
        return builder.start();
    }
}
