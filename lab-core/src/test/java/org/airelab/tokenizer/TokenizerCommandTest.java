package org.airelab.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.airelab.base.NpyWriter;
import org.airelab.base.Pipes;
import org.airelab.base.SharedData;
import org.airelab.base.UserError;
import org.airelab.cli.LabCommand;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class TokenizerCommandTest {
    private static final String TEXT = "Tom & Ann said: \"\u4f60\u597d\"  \uD83D\uDE00<|endoftext|>\nTom ran.";

    @TempDir
    private Path folder;
    private final InputStream in = System.in;
    private final PrintStream out = System.out;
    private final PrintStream err = System.err;
    private final ByteArrayOutputStream stdout = new ByteArrayOutputStream();
    private final ByteArrayOutputStream stderr = new ByteArrayOutputStream();
    private String text;
    private String json;

    @BeforeEach
    void prepare() throws IOException {
        text = Files.writeString(folder.resolve("text.txt"), TEXT).toString();
        json = folder.resolve("tokenizer.json").toString();
        System.setOut(new PrintStream(stdout, true, UTF_8));
        System.setErr(new PrintStream(stderr, true, UTF_8));
        run("train", text, text, "--vocab-size", "290", "--out", json);
    }

    @AfterEach
    void restore() {
        System.setIn(in);
        System.setOut(out);
        System.setErr(err);
    }

    @Test
    void isFoundByTheCommandLine() {
        assertTrue(ServiceLoader.load(LabCommand.class).stream().anyMatch(p -> p.type() == TokenizerCommand.class));
    }

    @Test
    void trainSaysWhatItMade() throws IOException {
        Tokenizer tokenizer = Tokenizer.load(Path.of(json));
        assertEquals(json + ": " + tokenizer.vocabularySize() + " tokens (256 bytes, "
                + (tokenizer.vocabularySize() - 257) + " merges, 1 special)\n", stdout.toString(UTF_8));
        // The text has too few pairs for 290.
        assertTrue(stderr.toString(UTF_8).contains("stopped at " + tokenizer.vocabularySize() + " tokens, not 290"));
    }

    @Test
    void encodeAndDecodeAreInverse() throws IOException {
        String expected = Arrays.stream(Tokenizer.load(Path.of(json)).encode(TEXT)).mapToObj(Integer::toString)
                .collect(Collectors.joining(" ")) + System.lineSeparator();
        assertEquals(expected, output("encode", "--tokenizer", json, text));
        System.setIn(new ByteArrayInputStream(TEXT.getBytes(UTF_8)));
        assertEquals(expected, output("encode", "--tokenizer", json));
        System.setIn(new ByteArrayInputStream(expected.getBytes(UTF_8)));
        assertEquals(TEXT, output("decode", "--tokenizer", json));

        Path ids = folder.resolve("ids.txt");
        Path again = folder.resolve("again.txt");
        run("encode", "--tokenizer", json, text, "--out", ids.toString());
        assertEquals(expected, Files.readString(ids));
        run("decode", "--tokenizer", json, ids.toString(), "--out", again.toString());
        assertEquals(TEXT, Files.readString(again));
    }

    /** What {@code --out /dev/stdout} and {@code --out >(program)} are. */
    @Test
    void outMayBeAPipe() throws Exception {
        String expected = output("encode", "--tokenizer", json, text);
        Path ids = Files.writeString(folder.resolve("ids"), expected);
        Path pipe = Pipes.make(folder.resolve("pipe"));
        var encoded = Pipes.read(pipe);
        run("encode", "--tokenizer", json, text, "--out", pipe.toString());
        assertEquals(expected, new String(encoded.get(), UTF_8));
        var decoded = Pipes.read(pipe);
        run("decode", "--tokenizer", json, ids.toString(), "--out", pipe.toString());
        assertEquals(TEXT, new String(decoded.get(), UTF_8));
    }

    @Test
    void specialTokensAreTheOneOfTextsUnlessSaidOtherwise() throws IOException {
        Path file = folder.resolve("t.json");
        run("train", text, "--vocab-size", "257", "--out", file.toString());
        assertEquals(256, Tokenizer.load(file).specialId("<|endoftext|>").orElseThrow());
        run("train", text, "--vocab-size", "258", "--special", "<a>", "--special", "<b>", "--out", file.toString());
        assertEquals(257, Tokenizer.load(file).specialId("<b>").orElseThrow());
        assertTrue(Tokenizer.load(file).specialId("<|endoftext|>").isEmpty());
        run("train", text, "--vocab-size", "256", "--no-special", "--out", file.toString());
        assertEquals(256, Tokenizer.load(file).vocabularySize());
        assertFails("both were given", "train", text, "--vocab-size", "300", "--special", "<a>", "--no-special",
                "--out", file.toString());
    }

    @Test
    void npyHoldsTheIds() throws IOException {
        Path npy = folder.resolve("ids.npy");
        run("encode", "--tokenizer", json, text, "--format", "npy", "--out", npy.toString());
        byte[] bytes = Files.readAllBytes(npy);
        int[] expected = Tokenizer.load(Path.of(json)).encode(TEXT);
        int start = bytes.length - 2 * expected.length;
        String header = new String(bytes, 10, start - 10, UTF_8);
        assertTrue(header.contains("'<u2'") && header.contains("(" + expected.length + ",)"), header);
        var elements = ByteBuffer.wrap(bytes, start, 2 * expected.length).order(ByteOrder.LITTLE_ENDIAN)
                .asShortBuffer();
        for (int id : expected) {
            assertEquals(id, elements.get());
        }
        assertEquals(TEXT, output("decode", "--tokenizer", json, npy.toString()));
    }

    @Test
    void decodeReadsOtherIntegerArrays() throws IOException {
        int[] ids = Tokenizer.load(Path.of(json)).encode(TEXT);
        for (var type : new NpyWriter.Type[] {NpyWriter.Type.INT32, NpyWriter.Type.INT64}) {
            Path npy = folder.resolve(type + ".npy");
            try (var writer = NpyWriter.create(npy, type, 1, ids.length)) {
                writer.write(ids, 0, ids.length);
            }
            assertEquals(TEXT, output("decode", "--tokenizer", json, npy.toString()));
        }
        Path floats = folder.resolve("floats.npy");
        try (var writer = NpyWriter.create(floats, NpyWriter.Type.FLOAT32, 1)) {
            writer.write(new float[] {1}, 0, 1);
        }
        assertFails("<f4", "decode", "--tokenizer", json, floats.toString());
        Path cut = folder.resolve("cut.npy");
        byte[] whole = Files.readAllBytes(folder.resolve("INT64.npy"));
        Files.write(cut, Arrays.copyOf(whole, whole.length - 3));
        assertFails("cut short", "decode", "--tokenizer", json, cut.toString());
        Files.write(cut, Arrays.copyOf(whole, 9));
        assertFails("header", "decode", "--tokenizer", json, cut.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\n\t "})
    void noIdsAreNoText(String ids) throws IOException {
        System.setIn(new ByteArrayInputStream(ids.getBytes(UTF_8)));
        assertEquals("", output("decode", "--tokenizer", json));
        System.setIn(InputStream.nullInputStream());
        assertEquals(System.lineSeparator(), output("encode", "--tokenizer", json));
    }

    @ParameterizedTest
    @ValueSource(strings = {"12 x", "1,2", "-1", "1.5", "99999999999999999999", "1000000"})
    void badIdsAreRefused(String ids) throws IOException {
        Path file = Files.writeString(folder.resolve("bad"), ids);
        Path target = folder.resolve("decoded");
        assertThrows(UserError.class,
                () -> run("decode", "--tokenizer", json, file.toString(), "--out", target.toString()));
        assertFalse(Files.exists(target));
    }

    @Test
    void decodeShowsBrokenTextAsReplacementCharactersAcrossTokens() throws IOException {
        Path bytes = Files.write(folder.resolve("bytes"), new byte[] {'a', (byte) 0xE4, (byte) 0xBD, 'b', (byte) 0xFF});
        Path ids = folder.resolve("ids");
        run("encode", "--tokenizer", json, bytes.toString(), "--out", ids.toString());
        assertEquals("a\ufffdb\ufffd", output("decode", "--tokenizer", json, ids.toString()));
    }

    @Test
    void importsGpt2() throws IOException {
        String vocab = SharedData.file("gpt2-vocab.json").toString();
        String merges = SharedData.file("gpt2-merges.txt").toString();
        Path gpt2 = folder.resolve("gpt2.json");
        assertEquals(gpt2 + ": 50257 tokens (1 special)\n",
                output("import", "--vocab", vocab, "--merges", merges, "--out", gpt2.toString()));
        assertArrayEquals(new int[] {15496, 11, 995, 0, 50256},
                Tokenizer.load(gpt2).encode("Hello, world!<|endoftext|>"));
        run("import", "--vocab", vocab, "--merges", merges, "--special", "<|pad|>", "--out", gpt2.toString());
        assertEquals(50257, Tokenizer.load(gpt2).specialId("<|pad|>").orElseThrow());
    }

    @Test
    void badInputIsNamedAndNothingIsWritten() throws IOException {
        Path target = folder.resolve("new.json");
        String missing = folder.resolve("missing").toString();
        String newJson = target.toString();
        assertFails("missing", "train", missing, "--vocab-size", "300", "--out", newJson);
        assertFails("folder", "train", folder.toString(), "--vocab-size", "300", "--out", newJson);
        assertFails("255", "train", text, "--vocab-size", "255", "--out", newJson);
        assertFails("--threads", "train", text, "--vocab-size", "300", "--threads", "0", "--out", newJson);
        assertFails("missing", "import", "--vocab", missing, "--merges", text, "--out", newJson);
        assertFails("text.txt", "import", "--vocab", text, "--merges", text, "--out", newJson);
        assertFails("missing", "encode", "--tokenizer", missing, text);
        assertFails("missing", "encode", "--tokenizer", json, missing);
        assertFails("--format npy", "encode", "--tokenizer", json, text, "--format", "npy");
        assertFalse(Files.exists(target));
    }

    private String output(String... arguments) {
        stdout.reset();
        run(arguments);
        return stdout.toString(UTF_8);
    }

    private void assertFails(String message, String... arguments) {
        var error = assertThrows(UserError.class, () -> run(arguments));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    /** Runs a command that either leaves with 0 or throws. */
    private static void run(String... arguments) {
        var thrown = new Exception[1];
        var lab = new CommandLine(new TokenizerCommand());
        lab.setExecutionExceptionHandler((failure, command, parsed) -> {
            thrown[0] = failure;
            return 1;
        });
        int exitCode = lab.execute(arguments);
        if (thrown[0] instanceof RuntimeException failure) {
            throw failure;
        }
        assertEquals(0, exitCode, () -> String.join(" ", arguments) + ": " + thrown[0]);
    }
}
