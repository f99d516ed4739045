package org.airelab.generate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.airelab.base.UserError;
import org.airelab.hf.ExportCommand;
import org.airelab.hf.ImportCommand;
import org.airelab.model.TestRuns;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.tokenizer.BpeTrainer;
import org.airelab.tokenizer.Tokenizer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class GenerateCommandTest {
    @TempDir
    private Path folder;
    private String run;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void write() {
        run = folder.resolve("run").toString();
        TestRuns.write(Path.of(run), TestRuns.llama(270, 24, Positions.ROPE_HALF), TestRuns.tokenizer(265), 5);
    }

    private String execute(Callable<Integer> command, String... arguments) throws Exception {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        CommandLine line = new CommandLine(command).setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        line.parseArgs(arguments);
        assertEquals(0, command.call());
        line.getOut().flush();
        line.getErr().flush();
        return out.toString();
    }

    private String generate(String... arguments) throws Exception {
        String[] all = new String[arguments.length + 3];
        all[0] = run;
        all[1] = "--device";
        all[2] = "cpu";
        System.arraycopy(arguments, 0, all, 3, arguments.length);
        return execute(new GenerateCommand(), all);
    }

    @Test
    void thePromptComesFirstThenTheText() throws Exception {
        String text = generate("--prompt", "Once upon", "--max-tokens", "40", "--greedy");
        assertTrue(text.startsWith("Once upon"), text);
        assertTrue(text.length() > "Once upon".length() + 10 && text.endsWith(System.lineSeparator()), text);
        assertTrue(err.toString().contains("tokens/s"), err.toString());
        assertEquals(text, generate("--prompt", "Once upon", "--max-tokens", "40", "--temperature", "0"));
    }

    @Test
    void promptsComeFromFilesAndStandardInputToo() throws Exception {
        String expected = generate("--prompt", "caf\u00e9", "--max-tokens", "9", "--seed", "3");
        Path file = Files.writeString(folder.resolve("prompt.txt"), "caf\u00e9");
        assertEquals(expected, generate("--prompt-file", file.toString(), "--max-tokens", "9", "--seed", "3"));
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream("caf\u00e9".getBytes(UTF_8)));
            assertEquals(expected, generate("--prompt-file", "-", "--max-tokens", "9", "--seed", "3"));
        } finally {
            System.setIn(before);
        }
        assertThrows(NoSuchFileException.class, () -> generate("--prompt-file", folder.resolve("none").toString()));
    }

    @Test
    void samplesDifferAndTheirSeedsFollowOneAnother() throws Exception {
        String both = generate("--max-tokens", "12", "--samples", "2", "--seed", "6");
        String[] samples = both.split("---" + System.lineSeparator(), -1);
        assertEquals(2, samples.length);
        assertFalse(samples[0].equals(samples[1]));
        assertEquals(samples[1], generate("--max-tokens", "12", "--seed", "7"));
    }

    @Test
    void beamsGiveTheBestTexts() throws Exception {
        String best = generate("--prompt", "a", "--beams", "3", "--max-tokens", "5");
        String two = generate("--prompt", "a", "--beams", "3", "--max-tokens", "5", "--samples", "2");
        assertTrue(two.startsWith(best), two);
        assertTrue(err.toString().contains("score"), err.toString());
    }

    @Test
    void aLongPromptIsCutAloud() throws Exception {
        generate("--prompt", "xyz ".repeat(30), "--max-tokens", "3");
        assertTrue(err.toString().contains("context holds 24"), err.toString());
    }

    @Test
    void anEmptyPromptNeedsAStart() throws IOException {
        Path bare = folder.resolve("bare");
        Tokenizer unmarked = new BpeTrainer(260, List.of(), 1, false).train(List.of("a a a a").iterator());
        TestRuns.write(bare, TestRuns.llama(270, 24, Positions.ROPE_HALF), unmarked, 5);
        run = bare.toString();
        assertRefused("--prompt", "--prompt", "");
    }

    @Test
    void badOptionsAreRefused() {
        assertRefused("top-p", "--top-p", "1.5");
        assertRefused("--max-tokens", "--max-tokens", "-1");
        assertRefused("--samples", "--samples", "0");
        assertRefused("--samples", "--samples", "3", "--beams", "2");
        assertRefused("beams", "--beams", "0", "--samples", "1");
        assertThrows(CommandLine.MutuallyExclusiveArgsException.class,
                () -> generate("--prompt", "a", "--prompt-file", "b"));
        run = folder.resolve("nothing").toString();
        assertRefused("no run");
    }

    private void assertRefused(String said, String... arguments) {
        UserError error = assertThrows(UserError.class, () -> generate(arguments));
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertTrue((error.getMessage() + error.advice()).contains(said), error.getMessage());
    }

    @Test
    void anExportedAndImportedModelWritesTheSameText() throws Exception {
        String text = generate("--prompt", "Once", "--max-tokens", "20");
        execute(new ExportCommand(), run, "--format", "hf", "--out", folder.resolve("hf").toString());
        assertTrue(err.toString().contains("LlamaForCausalLM"), err.toString());
        run = folder.resolve("again").toString();
        execute(new ImportCommand(), folder.resolve("hf").toString(), "--out", run);
        assertEquals(text, generate("--prompt", "Once", "--max-tokens", "20"));
    }
}
