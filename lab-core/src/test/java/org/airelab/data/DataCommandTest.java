package org.airelab.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.ServiceLoader;
import org.airelab.base.UserError;
import org.airelab.cli.LabCommand;
import org.airelab.data.story.StoryGrammar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DataCommandTest {
    @TempDir
    private Path folder;

    private static String run(int exitCode, String... arguments) {
        var out = new StringWriter();
        var command = new CommandLine(new DataCommand()).setOut(new PrintWriter(out)).setErr(new PrintWriter(out))
                .setExecutionExceptionHandler((failure, line, parsed) -> {
                    throw failure;
                });
        assertEquals(exitCode, command.execute(arguments), out.toString());
        return out.toString();
    }

    @Test
    void isACommandOfLab() {
        assertTrue(ServiceLoader.load(LabCommand.class).stream().anyMatch(p -> p.type() == DataCommand.class));
    }

    @Test
    void infoAndVerifyTellWhatAFolderHolds() throws IOException {
        var data = DataPreparation.prepare(DataSpec.parse("synthetic:stories=100"), Optional.empty(),
                new TokenizerChoice.Train(300), folder);
        String info = run(0, "info", data.folder().toString());
        assertTrue(info.contains("when this was prepared, none of the " + data.manifest().validation().documents()
                + " validation documents was in training"), info);
        assertTrue(info.contains(String.format(java.util.Locale.ROOT, "floor %.4f nats a token",
                data.manifest().entropyFloor().getAsDouble())), info);
        String verified = run(0, "verify", data.folder().toString());
        assertTrue(verified.startsWith(info) && verified.contains("and no validation document appears in training"));
    }

    /** A shard that is no longer what was written is a no, however it was changed. */
    @Test
    void verifySaysNo() throws IOException {
        Path prepared = DataPreparation.prepare(DataSpec.parse("synthetic:stories=100"), Optional.empty(),
                new TokenizerChoice.Train(300), folder).folder();
        Path shard = prepared.resolve("validation-00000.bin");
        byte[] whole = Files.readAllBytes(shard);
        byte[] altered = whole.clone();
        altered[7] ^= 1;
        Files.write(shard, altered);
        assertNo("was altered", prepared);
        Files.write(shard, Arrays.copyOf(whole, whole.length - 2));
        assertNo("its manifest says", prepared);
        Files.delete(shard);
        assertNo("is missing", prepared);
        Files.write(shard, whole);
        run(0, "verify", prepared.toString());
    }

    private static void assertNo(String message, Path prepared) {
        UserError error = refusal("verify", prepared.toString());
        assertTrue(error.getMessage().contains(message), error.getMessage());
        assertEquals(UserError.FAILED, error.exitCode());
    }

    @Test
    void samplePrintsStories() {
        String text = run(0, "sample", "synthetic:seed=4", "--count", "2");
        assertTrue(text.contains(StoryGrammar.builtIn().story(4, 0))
                && text.contains(StoryGrammar.builtIn().story(4, 1)));
        assertTrue(text.contains("54.80 expected"), text);
    }

    @Test
    void wrongUsageIsTold() {
        assertTrue(run(2, "prepare").contains("Missing required parameter: 'SPEC'"));
        assertTrue(run(2, "prepare", "synthetic", "--vocab-size", "9", "--tokenizer", "t")
                .contains("mutually exclusive"));
        assertTrue(run(2, "prepare", "synthetic", "--vocab-size", "many").contains("'many' is not a long"));
        assertEquals("the vocabulary size 5,000,000,000 is not within 257 (256 bytes and end-of-text) and 2,147,483,647"
                + " (token ids are stored as uint16 or uint32 and held as int)", refused("prepare", "synthetic",
                        "--vocab-size", "5000000000"));
        assertTrue(refused("prepare", "sythetic").startsWith("'sythetic' names no data"));
        assertTrue(refused("info", folder.toString()).contains("holds no prepared data"));
        assertTrue(refused("sample", "synthetic", "--count", "0").contains("--count is 0"));
    }

    private static String refused(String... arguments) {
        return refusal(arguments).getMessage();
    }

    private static UserError refusal(String... arguments) {
        var line = new CommandLine(new DataCommand());
        var failure = new Exception[1];
        line.setExecutionExceptionHandler((thrown, command, parsed) -> {
            failure[0] = thrown;
            return 2;
        });
        line.execute(arguments);
        return assertThrows(UserError.class, () -> {
            throw failure[0];
        });
    }
}
