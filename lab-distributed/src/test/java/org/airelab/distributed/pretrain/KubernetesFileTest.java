package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.airelab.distributed.launch.World;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The Service and the Job in deploy/kubernetes, and what the Job's pods start, with a lab that only notes it. */
class KubernetesFileTest {
    @TempDir
    private Path folder;
    private JsonNode service;
    private JsonNode job;
    private JsonNode container;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void read() throws IOException {
        try (MappingIterator<JsonNode> documents = new YAMLMapper().readerFor(JsonNode.class)
                .readValues(Path.of("deploy/kubernetes/pretrain.yaml").toFile())) {
            List<JsonNode> all = documents.readAll();
            assertEquals(2, all.size());
            service = all.getFirst();
            job = all.getLast();
        }
        container = job.at("/spec/template/spec/containers/0");
        container.get("env").forEach(each -> environment.put(each.get("name").asText(), each.path("value").asText()));
    }

    /** Numbers and names that stand in several places. */
    @Test
    void agreesWithItself() {
        String name = job.at("/metadata/name").asText();
        assertEquals(name, service.at("/spec/selector/job-name").asText());
        assertEquals(service.at("/metadata/name"), job.at("/spec/template/spec/subdomain"));
        assertEquals(name + "-0." + service.at("/metadata/name").asText(), environment.get("MASTER_ADDR"));
        assertEquals(service.at("/spec/ports/0/port").asText(), environment.get("MASTER_PORT"));
        assertEquals("Indexed", job.at("/spec/completionMode").asText());
        assertEquals(environment.get("PODS"), job.at("/spec/completions").asText());
        assertEquals(environment.get("PODS"), job.at("/spec/parallelism").asText());
        assertEquals(environment.get("GPUS"), container.at("/resources/limits").get("nvidia.com/gpu").asText());
        assertEquals("[1,2,3]", job.at("/spec/podFailurePolicy/rules/1/onExitCodes/values").toString());
        // A policy for failures is allowed with this alone.
        assertEquals("Never", job.at("/spec/template/spec/restartPolicy").asText());
    }

    /** Runs a pod of two with two GPUs each; its exit code. */
    private int pod(int index, String lab) throws IOException, InterruptedException {
        Path program = Files.writeString(folder.resolve("lab"), "#!/usr/bin/env bash\n" + lab + "\n");
        assertTrue(program.toFile().setExecutable(true));
        List<String> command = new ArrayList<>();
        container.get("command").forEach(word -> command.add(word.asText()));
        container.get("args").forEach(word -> command.add(word.asText().replace("/opt/lab/lab", program.toString())));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile());
        builder.environment().keySet().removeAll(List.of("RANK", "WORLD_SIZE"));
        builder.environment().putAll(environment);
        builder.environment().putAll(Map.of("PODS", "2", "GPUS", "2", "POD", Integer.toString(index)));
        return builder.start().waitFor();
    }

    @Test
    void startsARankForEveryGpu() throws Exception {
        String lab = "env > " + folder + "/rank-$RANK.env; printf '%s\\n' \"$@\" > " + folder + "/arguments";
        assertEquals(0, pod(0, lab));
        assertEquals(0, pod(1, lab));
        TreeSet<Integer> ranks = new TreeSet<>();
        for (int rank = 0; rank < 4; rank++) {
            Map<String, String> variables = new HashMap<>();
            for (String line : Files.readAllLines(folder.resolve("rank-" + rank + ".env"), StandardCharsets.UTF_8)) {
                if (line.matches("(RANK|WORLD_SIZE|LOCAL_\\w+|MASTER_\\w+)=.*")) {
                    variables.put(line.split("=")[0], line.split("=")[1]);
                }
            }
            World world = World.of(variables);
            ranks.add(world.rank());
            assertEquals(4, world.size());
            assertEquals(rank % 2, world.localRank());
            assertEquals(2, world.localSize());
            assertEquals("pretrain-0.pretrain:29500", world.address().orElseThrow() + ":" + world.port());
        }
        assertEquals(4, ranks.size());
        List<String> arguments = Files.readAllLines(folder.resolve("arguments"));
        assertEquals(List.of("pretrain", "stories110m", "--data", "tinystories", "--out", "/runs/pretrain", "--resume"),
                arguments.subList(0, 7));
        new CommandLine(new PretrainCommand()).parseArgs(arguments.subList(1, arguments.size())
                .toArray(String[]::new));
    }

    @Test
    void aRankThatFailsEndsThePod() throws Exception {
        assertEquals(3, pod(0, "[ $LOCAL_RANK = 0 ] || exit 3; exec sleep 2"));
    }
}
