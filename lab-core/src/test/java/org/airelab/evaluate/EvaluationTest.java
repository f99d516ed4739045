package org.airelab.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.checkpoint.SafetensorsWriter;
import org.airelab.checkpoint.TensorData;
import org.airelab.data.source.Documents;
import org.airelab.data.source.SyntheticDocuments;
import org.airelab.model.InferenceModel;
import org.airelab.model.SavedModel;
import org.airelab.model.TestRuns;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.tokenizer.BpeTrainer;
import org.airelab.tokenizer.Tokenizer;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class EvaluationTest {
    private static final int CONTEXT = 10;
    private static final int VOCABULARY = 270;
    private static final List<String> STORIES = List.of("Once upon a time there was a cat.", "A",
            "Lily saw the caf\u00e9 \uD83D\uDE00.");

    @TempDir
    private Path folder;
    private Path run;
    private final Tokenizer tokenizer = TestRuns.tokenizer(265);

    @BeforeEach
    void write() {
        run = folder.resolve("run");
        TestRuns.write(run, TestRuns.llama(VOCABULARY, CONTEXT, Positions.ROPE_HALF), tokenizer, 5);
    }

    private static Documents documents(List<String> texts) {
        return new Documents() {
            @Override
            public Stream<String> stream() {
                return texts.stream();
            }

            @Override
            public String hash() {
                return "";
            }

            @Override
            public long bytes() {
                return 0;
            }
        };
    }

    /** Start mark, then each document and its end. */
    private static long[] sequence(Tokenizer tokenizer, List<String> texts) {
        String joined = Tokenizer.END_OF_TEXT + String.join(Tokenizer.END_OF_TEXT, texts) + Tokenizer.END_OF_TEXT;
        return Arrays.stream(tokenizer.encode(joined)).asLongStream().toArray();
    }

    /** Logits after a context, and the loss of a target, in float64. */
    private static float[] logits(InferenceModel model, long[] context) {
        try (NDManager scope = model.manager().newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            float[] all = NativeArrays.floats(model.logits(model.hidden(scope, context, 1)));
            return Arrays.copyOfRange(all, all.length - VOCABULARY, all.length);
        }
    }

    private static double loss(float[] logits, long target) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        return Math.log(sum) - logits[(int) target];
    }

    @ParameterizedTest
    @CsvSource({"10, 1000000", "1, 1000000", "4, 1000000", "9, 1000000", "10, 7", "10, 10", "10, 11", "3, 14", "10, 1"})
    void everyTokenIsPredictedOnceFromTheContextItsWindowHas(int stride, long maxTokens) throws IOException {
        long[] all = sequence(tokenizer, STORIES);
        int expectedTokens = (int) Math.min(all.length - 1, maxTokens);
        List<float[]> rows = new ArrayList<>();
        long live = Tensor.live();
        try (InferenceModel model = TestRuns.load(run)) {
            Evaluation result = new Evaluator(model, stride).evaluate(documents(STORIES), maxTokens,
                    (values, offset, length) -> rows.add(Arrays.copyOfRange(values, offset, offset + length)),
                    bytes -> { });
            assertEquals(expectedTokens, result.tokens());
            assertEquals(expectedTokens, rows.size());
            double sum = 0;
            for (int i = 1; i <= expectedTokens; i++) {
                int window = i <= CONTEXT ? 0 : Math.ceilDiv(i - CONTEXT, stride);
                float[] expected = logits(model, Arrays.copyOfRange(all, window * stride, i));
                assertArrayEquals(expected, rows.get(i - 1), 1e-4f, "token " + i);
                sum += loss(expected, all[i]);
            }
            assertEquals(sum, result.nats(), 1e-3);
            byte[] text = tokenizer.decodeBytes(Arrays.stream(all, 1, expectedTokens + 1)
                    .filter(id -> id != all[0]).mapToInt(id -> (int) id).toArray());
            assertEquals(text.length, result.bytes());
            assertEquals(sum / Math.log(2) / text.length, result.bitsPerByte(), 1e-3);
            long ends = Arrays.stream(all, 1, expectedTokens + 1).filter(id -> id == all[0]).count();
            assertEquals(ends, result.documents());
        }
        assertEquals(live, Tensor.live());
    }

    @Test
    void aModelThatKnowsNothingHasTheLossOfAGuess() throws IOException {
        SavedModel saved = TestRuns.open(run);
        Map<String, TensorData> zeros = new LinkedHashMap<>();
        try (var weights = saved.weights()) {
            weights.names().forEach(name -> zeros.put(name, new TensorData(weights.info(name),
                    MemorySegment.ofArray(new byte[(int) weights.info(name).byteSize()]))));
        }
        Path other = folder.resolve("zeros");
        SavedModel.write(other, saved.config(), tokenizer, 0, out -> SafetensorsWriter.write(out, zeros, Map.of()));
        try (InferenceModel model = TestRuns.load(other)) {
            Evaluation result = new Evaluator(model, CONTEXT).evaluate(documents(STORIES), Long.MAX_VALUE, null,
                    bytes -> { });
            assertEquals(Math.log(VOCABULARY), result.loss(), 1e-6);
            assertEquals(VOCABULARY, result.perplexity(), 1e-3);
        }
    }

    @Test
    void withoutAMarkTheFirstTokenIsContextOnly() throws IOException {
        Tokenizer bare = new BpeTrainer(260, List.of(), 1, false).train(List.of("a b a b").iterator());
        Path other = folder.resolve("bare");
        TestRuns.write(other, TestRuns.llama(VOCABULARY, CONTEXT, Positions.ROPE_HALF), bare, 5);
        try (InferenceModel model = TestRuns.load(other)) {
            Evaluator evaluator = new Evaluator(model, CONTEXT);
            Evaluation result = evaluator.evaluate(documents(List.of("xyz", "uv")), Long.MAX_VALUE, null, bytes -> { });
            assertEquals(4, result.tokens());
            assertEquals(4, result.bytes());
            assertEquals(2, result.documents());
            assertThrows(UserError.class, () -> evaluator.evaluate(documents(List.of("x")), 5, null, bytes -> { }));
        }
    }

    @Test
    void theFloorOfSyntheticStoriesIsTheirSurprisal() throws IOException {
        Documents stories = new SyntheticDocuments(3, 8);
        double surprisal;
        try (Stream<String> stream = stories.stream()) {
            surprisal = -stream.mapToDouble(story -> stories.grammar().orElseThrow().logProbability(story)).sum();
        }
        try (InferenceModel model = TestRuns.load(run)) {
            Evaluator evaluator = new Evaluator(model, CONTEXT);
            Evaluation all = evaluator.evaluate(stories, Long.MAX_VALUE, null, bytes -> { });
            assertEquals(3, all.documents());
            assertEquals(surprisal / all.tokens(), all.floor().orElseThrow(), 1e-9);
            assertTrue(evaluator.evaluate(stories, 20, null, bytes -> { }).floor().isEmpty(), "cut: no floor");
        }
    }

    @Test
    void aStrideOutsideTheContextIsRefused() {
        try (InferenceModel model = TestRuns.load(run)) {
            for (int stride : new int[] {0, -1, CONTEXT + 1}) {
                UserError error = assertThrows(UserError.class, () -> new Evaluator(model, stride));
                assertTrue(error.getMessage().contains(", found " + stride), error.getMessage());
            }
        }
    }

    @Test
    void aDivergedModelIsSaid() throws IOException {
        SavedModel saved = TestRuns.open(run);
        Map<String, TensorData> weights = new LinkedHashMap<>();
        try (var file = saved.weights()) {
            file.names().forEach(name -> weights.put(name, file.tensor(name)));
            float[] nan = new float[24];
            Arrays.fill(nan, Float.NaN);
            weights.put("head.norm.weight", new TensorData(file.info("head.norm.weight"), MemorySegment.ofArray(nan)));
            SavedModel.write(folder.resolve("nan"), saved.config(), tokenizer, 0,
                    out -> SafetensorsWriter.write(out, weights, Map.of()));
        }
        try (InferenceModel model = TestRuns.load(folder.resolve("nan"))) {
            Evaluator evaluator = new Evaluator(model, CONTEXT);
            UserError error = assertThrows(UserError.class,
                    () -> evaluator.evaluate(documents(STORIES), Long.MAX_VALUE, null, bytes -> { }));
            assertEquals(UserError.FAILED, error.exitCode());
        }
    }

    @Test
    void theCommandPrintsTheResultAndWritesTheLogits() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), String.join("\n<|endoftext|>\n", STORIES));
        Path npy = folder.resolve("logits.npy");
        int tokens = sequence(tokenizer, STORIES).length - 1;
        JsonNode json = Json.MAPPER.readTree(eval("--data", "text:" + text, "--json", "--logits", npy.toString()));
        assertEquals(tokens, json.path("tokens").asInt());
        assertEquals(3, json.path("documents").asInt());
        assertEquals(String.join("", STORIES).getBytes(StandardCharsets.UTF_8).length, json.path("bytes").asInt());
        assertEquals(Math.exp(json.path("loss").asDouble()), json.path("perplexity").asDouble(), 1e-6);
        assertFalse(json.has("entropy_floor"));
        byte[] file = Files.readAllBytes(npy);
        String header = new String(file, 0, 128, StandardCharsets.ISO_8859_1);
        assertTrue(header.contains("'<f4'") && header.contains("(" + tokens + ", " + VOCABULARY + ")"), header);
        ByteBuffer values = ByteBuffer.wrap(file, file.length - tokens * VOCABULARY * 4, 4);
        try (InferenceModel model = TestRuns.load(run)) {
            assertEquals(logits(model, Arrays.copyOf(sequence(tokenizer, STORIES), 1))[0],
                    values.order(ByteOrder.LITTLE_ENDIAN).getFloat(), 1e-5f);
        }
        String plain = eval("--data", "text:" + text, "--stride", "5");
        assertTrue(plain.contains("nats/token") && plain.contains("bits per byte"), plain);
        assertTrue(eval("--data", "synthetic:stories=2,seed=4").contains("above the entropy floor"));
    }

    @Test
    void badRequestsAreRefusedAndWriteNothing() {
        Path npy = folder.resolve("logits.npy");
        String file = npy.toString();
        assertThrows(UserError.class, () -> eval("--data", "text:" + folder.resolve("none"), "--logits", file));
        assertThrows(UserError.class, () -> eval("--data", "novels"));
        assertThrows(UserError.class, () -> eval("--data", "synthetic:stories=2", "--max-tokens", "0"));
        assertThrows(UserError.class, () -> eval("--data", "synthetic:stories=2", "--stride", "0", "--logits", file));
        assertFalse(Files.exists(npy));
    }

    private String eval(String... arguments) throws IOException {
        StringWriter out = new StringWriter();
        EvalCommand command = new EvalCommand();
        CommandLine line = new CommandLine(command).setOut(new PrintWriter(out))
                .setErr(new PrintWriter(new StringWriter()));
        line.parseArgs(Stream.concat(Stream.of(run.toString(), "--device", "cpu"), Stream.of(arguments))
                .toArray(String[]::new));
        assertEquals(0, command.call());
        line.getOut().flush();
        return out.toString();
    }
}
