package org.airelab.distributed.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.airelab.base.Json;
import org.airelab.cli.Lab;
import org.airelab.config.Configurations;
import org.airelab.distributed.pretrain.PretrainPresets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanCommandTest {
    private record Result(int exitCode, String out, String err) {
    }

    @TempDir
    private Path folder;

    private static Result plan(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode = Lab.run(new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                Stream.concat(Stream.of("plan"), Stream.of(arguments)).toArray(String[]::new));
        return new Result(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private static JsonNode json(String... arguments) throws IOException {
        Result result = plan(Stream.concat(Stream.of(arguments), Stream.of("--json")).toArray(String[]::new));
        assertEquals(0, result.exitCode, result.err);
        return Json.MAPPER.readTree(result.out);
    }

    /** A model that fits on each GPU is trained by replicas; nothing is divided that need not be. */
    @Test
    void smallModelsAreReplicated() throws IOException {
        JsonNode plan = json("stories15m", "--hardware", "h100x8", "--precision", "bf16");
        assertEquals("dp=8", plan.get("mesh").asText());
        assertEquals(0, plan.get("job").get("method").get("zero").asInt());
        assertTrue(plan.get("fits").asBoolean());
    }

    /** One that does not is divided, so that it fits. */
    @Test
    void largeModelsAreDivided() throws IOException {
        JsonNode plan = json("llama3-70b", "--hardware", "h100x8x8");
        assertTrue(plan.get("fits").asBoolean());
        assertTrue(plan.get("memory_total").asDouble() < 79.6 * (1L << 30));
        assertTrue(plan.get("job").get("method").get("zero").asInt() > 0 || plan.get("mesh").asText().contains("p="),
                plan.toString());
        for (JsonNode other : plan.get("alternatives")) {
            assertTrue(other.get("fits").asBoolean());
            assertTrue(1.021 * other.get("step_seconds").asDouble() > plan.get("step_seconds").asDouble());
        }
        assertEquals(4, plan.get("alternatives").size());
    }

    /** A mesh that is given is kept; of what is left open the best is taken. */
    @Test
    void meshOfOnesOwn() throws IOException {
        JsonNode plan = json("llama3-8b", "--hardware", "h100x8", "--mesh", "dp=4,tp=2");
        assertEquals("dp=4,tp=2", plan.get("mesh").asText());
        assertTrue(plan.get("job").get("method").get("zero").asInt() > 0, plan.toString());
        for (JsonNode other : plan.get("alternatives")) {
            assertEquals("dp=4,tp=2", other.get("mesh").asText());
        }
    }

    /** The text and the tree are of one plan; its parts are all of the step. */
    @Test
    void textAndTree() throws IOException {
        String[] arguments = {"llama2-7b", "--hardware", "a100x8x2", "--mesh", "dp=2,tp=4,pp=2", "--zero", "1",
            "--checkpointing", "selective", "--state", "mixed", "--batch", "2", "--accumulation", "32",
            "--interleave", "2"};
        JsonNode tree = json(arguments);
        String text = plan(arguments).out;
        double sum = tree.get("time").valueStream().mapToDouble(JsonNode::asDouble).sum();
        assertEquals(sum, tree.get("step_seconds").asDouble(), 1e-9);
        assertEquals(2 * 16 * 2 * 4096 / sum, tree.get("tokens_per_second").asDouble(), 1e-3);
        assertTrue(text.contains(String.format(Locale.ROOT, "a step of %.3f s", sum)), text);
        for (String part : List.of("2 replicas x 2 sequences x 16 passes x 4,096 tokens = 262,144 tokens a step",
                "dp=2,tp=4,pp=2, ZeRO-1, interleaved by 2, activations recomputed (selective)", "12P/2",
                "tensor: all-reduce of activations", "data: reduce-scatter of gradients", "pipeline: sends",
                "InfiniBand HDR", "MFU", "what limits it: ")) {
            assertTrue(text.contains(part), part + " in\n" + text);
        }
    }

    /** A run's own configuration, and a GPU of one's own. */
    @Test
    void files() throws IOException {
        Path config = Files.writeString(folder.resolve("config.yaml"),
                Configurations.toYaml(PretrainPresets.all().get("stories42m")));
        Path gpu = Files.writeString(folder.resolve("mine.yaml"), Configurations.toYaml(HardwareTable.all().get("h200"))
                .replace("network_gbs: 50", "network_gbs: 5"));
        JsonNode own = json(config.toString(), "--hardware", gpu + "x4x2", "--mesh", "dp=8", "--zero", "0");
        JsonNode known = json("stories42m", "--hardware", "h200x4x2", "--mesh", "dp=8", "--zero", "0");
        assertEquals(known.get("job"), own.get("job"));
        assertTrue(own.get("step_seconds").asDouble() > known.get("step_seconds").asDouble());
    }

    /** A run's folder stands for its configuration. */
    @Test
    void folderOfARun() throws IOException {
        Path run = Files.createDirectories(folder.resolve("runs/mine"));
        Files.writeString(run.resolve("config.yaml"), Configurations.toYaml(PretrainPresets.all().get("stories42m")));
        Result none = plan(run.toString());
        assertEquals(2, none.exitCode);
        assertTrue(none.err.contains(run + " holds no run: it has no manifest.json"), none.err);
        Files.writeString(run.resolve("manifest.json"), "{}");
        assertEquals(json("stories42m").get("job"), json(run.toString()).get("job"));
    }

    /** By its kind: two numbers a parameter of Adam's, one of momentum, none of plain descent. */
    @Test
    void stateOfTheOptimizer() throws IOException {
        String[] adam = {"llama2-7b", "--hardware", "h200x8", "--mesh", "dp=8", "--zero", "1"};
        double all = json(adam).get("memory").get("optimizer").asDouble();
        String[] momentum = with(adam, "--set", "optimizer.kind=sgd");
        assertEquals(all / 2, json(momentum).get("memory").get("optimizer").asDouble());
        assertEquals(0, json(with(momentum, "--set", "optimizer.momentum=0")).get("memory").get("optimizer")
                .asDouble());
        assertTrue(plan(with(adam, "--set", "optimizer.kind=rmsprop", "--set", "optimizer.momentum=0")).out
                .contains("4P/8"));
    }

    private static String[] with(String[] arguments, String... more) {
        return Stream.concat(Stream.of(arguments), Stream.of(more)).toArray(String[]::new);
    }

    /** What lab pretrain refuses is a plan of other software's ways alone. */
    @Test
    void waysOfOthers() throws IOException {
        String[] both = {"llama3-8b", "--mesh", "dp=4,pp=2", "--zero", "2", "--checkpointing", "selective"};
        JsonNode plan = json(with(both, "--state", "pytorch"));
        assertEquals("dp=4,pp=2", plan.get("mesh").asText());
        assertEquals(2, plan.get("job").get("method").get("zero").asInt());
        assertEquals(2, plan(both).exitCode);
        String[] noReplicas = {"llama3-8b", "--hardware", "h100x8", "--mesh", "tp=8", "--zero", "1"};
        assertEquals(2, plan(noReplicas).exitCode);
    }

    /** Converted weights and the layers' turns count: without recomputation ZeRO-3 does not fit where it seems to. */
    @Test
    void whatZero3DoesNotDivide() {
        Result result = plan("llama3-8b", "--mesh", "dp=8", "--zero", "3", "--checkpointing", "none");
        assertEquals(1, result.exitCode, result.out);
        assertTrue(result.out.contains("layers by turns             7.16"), result.out);
        assertTrue(result.out.contains("weights converted          13.98"), result.out);
        assertTrue(result.out.contains("it does not fit"), result.out);
    }

    /** Why GPUs are not used well is said. */
    @Test
    void remarks() throws IOException {
        Result result = plan("quickstart", "--hardware", "h100x3");
        assertTrue(result.out.contains("the 16 x 1 sequences of a step cannot be divided evenly among 3 ranks."),
                result.out);
        assertTrue(result.out.contains("more passes a step (--accumulation) make the pipeline's bubble smaller"),
                result.out);
        assertEquals(0, json("llama3-8b", "--hardware", "h200x8").get("remarks").size());
    }

    /**
     * What is recommended fits with room to spare where that costs hardly anything, and of ways that are as fast it is
     * one that an engineer would try first: replicas where a rank can hold the model, then tensor parallelism within a
     * node, and over many nodes ZeRO-3 or tensor parallelism within them and a pipeline between.
     */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"llama3-8b|h200x8|dp=8|1", "llama3-8b|h100x8|dp=4,tp=2|1",
        "llama3-8b|h100x4|dp=2,tp=2|2", "llama3-8b|h100x8x4|dp=32|3", "llama3-70b|h100x8x8|dp=64|3",
        "llama3-70b|h200x8x8|dp=4,tp=4,pp=4|1", "gpt2-124m|h100x8|dp=8|0"})
    void recommended(String model, String hardware, String mesh, int zero) throws IOException {
        JsonNode plan = json(model, "--hardware", hardware);
        assertEquals(mesh, plan.get("mesh").asText());
        assertEquals(zero, plan.get("job").get("method").get("zero").asInt());
        double all = plan.get("gpu").get("memory_gib").asDouble() * (1L << 30);
        assertTrue(plan.get("memory_total").asDouble() <= 0.9 * all, plan.toString());
    }

    @Test
    void check() {
        Result result = plan("--check");
        assertEquals(0, result.exitCode, result.err);
        assertEquals(PublishedPoints.table(PublishedPoints.load()), result.out);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "2|--hardware h100x8|a model to plan for was expected, found none",
        "2|llama3-8|unknown model llama3-8; known are quickstart",
        "2|llama3-8b --hardware b100x8|unknown GPU b100; known are h100",
        "2|llama3-8b --hardware h100|hardware such as h100x8 or h100x8x16 was expected, found h100",
        "2|llama3-8b --hardware h100x0|a cluster of 1 nodes of 0 GPUs cannot be",
        "2|llama3-8b --hardware h100x8 --mesh dp=3|the mesh dp=3 has 3 ranks and the run has 8",
        "2|llama3-8b --hardware h100x8x2 --mesh tp=16|needs a multiple of 16 as model.kv_heads, found 8",
        "2|llama3-8b --hardware h100x33 --mesh pp=33|needs at least 33 layers, and the model has 32",
        "2|llama3-8b --hardware h100x3 --mesh cp=3|context_length 8192 is not a multiple",
        "2|llama3-8b --hardware h100x3 --mesh dp=3|cannot be divided evenly among 3 ranks",
        "2|llama3-8b --hardware h100x8 --mesh pp=8 --interleave 8|each needs at least 64 layers",
        "2|llama3-8b --hardware h100x8 --mesh dp=8 --interleave 2|needs pp above 1",
        "2|llama3-8b --mesh pp=2 --zero 2|--zero 2 frees what the backward pass of a later micro-batch needs",
        "2|llama3-8b --checkpointing selective|lab pretrain computes layers twice as a whole or not at all",
        "2|llama3-8b --mesh cp=2 --set run.kernels=torch|context parallelism needs the lab's kernels",
        "1|llama3-70b --hardware h100x8 --mesh dp=8|and a GPU has 79.6 GiB",
        "2|llama3-8b --zero 4|zero must be a stage from 0 to 3, found 4",
        "2|llama3-8b --precision fp64|fp64 is for checks on CPUs",
        "1|llama3-8b --hardware h100x1|no mesh of 1 ranks divides llama3-8b",
        "1|llama3-8b --hardware h100x8 --mesh dp=8 --zero 0|and a GPU has 79.6 GiB"})
    void whatCannotBeIsSaid(int exitCode, String arguments, String sentence) {
        Result result = plan(arguments.split(" "));
        assertEquals(exitCode, result.exitCode, result.err);
        assertTrue(result.err.contains(sentence), result.err);
    }
}
