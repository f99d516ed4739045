package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.airelab.base.Json;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.distributed.JavaCommand;

/** Runs of several ranks, each a process, of a small Llama. */
record Ranks(Path folder, Path cache) {
    static final int STEPS = 50;
    private static final long PATIENCE_SECONDS = 180;
    private static final String LLAMA = """
            model: {dim: 32, layers: 3, heads: 4, kv_heads: 2, hidden_dim: 64, context_length: 32, vocab_size: 300}
            data: {train: "synthetic:stories=200"}
            train: {batch_size: 4, accumulation: 2, steps: 50}
            optimizer: {learning_rate: 1e-3}
            run: {device: cpu, eval_tokens: 1952, eval_every: 25, checkpoint_every: 10}
            """;

    /** A process, and what it has printed so far. */
    record Started(Process process, Path log, Path run) {
        String text() {
            try {
                return Files.readString(log);
            } catch (IOException e) {
                return e.toString();
            }
        }

        int exitCode() throws InterruptedException {
            assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), () -> "it hangs:\n" + text());
            return process.exitValue();
        }

        /** The ranks that it has started, in their order. */
        List<ProcessHandle> ranks() {
            return JavaCommand.childrenOf(process).stream().sorted((a, b) -> Long.compare(a.pid(), b.pid())).toList();
        }

        /** Waits until so many steps are recorded. */
        void awaitStep(long step) throws InterruptedException {
            await(() -> newestStep(run) >= step, "step " + step);
        }

        void await(BooleanSupplier condition, String what) throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (!condition.getAsBoolean()) {
                assertTrue(System.nanoTime() < end, () -> "waited in vain for " + what + ":\n" + text());
                Thread.sleep(5);
            }
        }
    }

    static long newestStep(Path run) {
        try {
            List<Long> steps = FolderContents.trainedSteps(run);
            return steps.isEmpty() ? 0 : steps.getLast();
        } catch (IOException | RuntimeException e) {
            // Not there yet, or its last line is half-written.
            return 0;
        }
    }

    /** The arguments of the run of a name, with more behind them. */
    String[] arguments(String name, String... more) throws IOException {
        Path config = Files.writeString(folder.resolve("llama.yaml"), LLAMA);
        List<String> arguments = new ArrayList<>(List.of("pretrain", "--config", config.toString(), "--out",
                folder.resolve(name).toString()));
        arguments.addAll(List.of(more));
        if (!arguments.contains("--kernels")) {
            arguments.addAll(LabProcess.QUICK_TO_START);
        }
        return arguments.toArray(String[]::new);
    }

    /** Starts the run of a name, with variables set that are given as NAME=VALUE before the options. */
    Started start(String name, List<String> launcher, Map<String, String> environment, String... more)
            throws IOException {
        Path log = folder.resolve(name.replace('/', '-') + environment.getOrDefault("RANK", "") + ".txt");
        Process process = LabProcess.start(cache, log, launcher, environment, arguments(name, more));
        return new Started(process, log, folder.resolve(name));
    }

    Started start(String name, String... more) throws IOException {
        return start(name, List.of(), Map.of(), more);
    }

    /** Runs to the end. */
    Path finish(String name, String... more) throws IOException, InterruptedException {
        Started started = start(name, more);
        assertEquals(0, started.exitCode(), started::text);
        return started.run;
    }

    /** Training losses by their steps. */
    static double[] losses(Path run) throws IOException {
        return losses(run, "train_loss");
    }

    /** What is recorded under a name, by its steps. */
    static double[] losses(Path run, String name) throws IOException {
        List<Double> losses = new ArrayList<>();
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            if (line.contains("\"" + name + "\"")) {
                losses.add(Json.MAPPER.readTree(line).path(name).asDouble());
            }
        }
        return losses.stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** The weights of a step's checkpoint by their names. */
    static Map<String, float[]> weights(Path run, long step) throws IOException {
        Map<String, float[]> weights = new TreeMap<>();
        try (SafetensorsFile file = SafetensorsFile.open(
                FolderContents.checkpoint(run, step).resolve("model.safetensors"))) {
            for (String name : file.names()) {
                weights.put(name, file.tensor(name).data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
            }
        }
        return weights;
    }

    /** Requires two runs to have been the same training: losses within 1e-5, weights within 1e-4. */
    static void requireSame(Path expected, Path found) throws IOException {
        double[] a = losses(expected);
        double[] b = losses(found);
        assertEquals(STEPS, a.length);
        assertEquals(STEPS, b.length);
        for (int i = 0; i < a.length; i++) {
            assertEquals(a[i], b[i], 1e-5, "loss of step " + (i + 1));
        }
        assertTrue(a[a.length - 1] < a[0] - 0.5, "it learns: " + Arrays.toString(a));
        Map<String, float[]> weights = weights(found, STEPS);
        Map<String, float[]> others = weights(expected, STEPS);
        assertEquals(others.keySet(), weights.keySet());
        others.forEach((name, values) -> assertArrayEquals(values, weights.get(name), 1e-4f, name));
    }
}
