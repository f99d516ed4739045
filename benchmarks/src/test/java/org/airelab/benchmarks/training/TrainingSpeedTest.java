package org.airelab.benchmarks.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.airelab.base.Json;
import org.airelab.cli.Lab;
import org.airelab.nn.ModelConfig;
import org.airelab.train.ModelFlops;
import org.junit.jupiter.api.Test;

class TrainingSpeedTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int lab(String arguments) {
        return Lab.run(new PrintStream(out, true), new PrintStream(err, true), arguments.split(" "));
    }

    @Test
    void aPresetGivesWhatNoOptionDoes() throws IOException {
        assertEquals(0, lab("train-speed --device cpu --preset gpt2-124m --dim 8 --layers 1 --heads 2 --kv-heads 2"
                + " --hidden 16 --context 4 --vocab 32 --batch 2 --steps 2 --warmup 0 --peak-tflops 0.5"
                + " --kernels torch"), err.toString(StandardCharsets.UTF_8));
        JsonNode result = Json.MAPPER.readTree(out.toByteArray());
        ModelConfig gpt2 = new ModelConfig(32, 4, 8, 1, 2, 2, 16, ModelConfig.Norm.LAYER,
                ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.LEARNED, 10_000,
                ModelConfig.FeedForwardKind.GELU, true, true, 0);
        assertEquals(gpt2.parameterCount(), result.get("parameters").asLong());
        double tflops = 1e-12 * ModelFlops.perToken(gpt2) * result.get("tokens_per_second").asDouble();
        assertEquals(tflops, result.get("model_tflops").asDouble(), 1e-9 * tflops);
        assertEquals(2 * tflops, result.get("mfu").asDouble(), 1e-9 * tflops);
        assertEquals(Math.log(32), result.get("loss").asDouble(), 0.5);
        assertTrue(result.get("gpu_used_mb").isNull());
    }

    @Test
    void anUnknownPresetIsToldTheKnownOnes() {
        assertEquals(2, lab("train-speed --preset gpt3"));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("stories15m, stories42m, stories110m, gpt2-124m"),
                err.toString(StandardCharsets.UTF_8));
    }
}
