package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.airelab.base.Trees;
import org.airelab.distributed.pretrain.LabProcess.Result;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that was cut off and resumed equals one that was not, byte for byte. */
class ResumeTest {
    private static final int STEPS = 8;

    @TempDir
    private static Path shared;
    /** Dropout and accumulation are on: their state must come back too. */
    private static Path uninterrupted;
    private static Path cache;

    @TempDir
    private Path folder;
    private Path run;

    @BeforeAll
    static void train() throws IOException {
        uninterrupted = shared.resolve("run");
        cache = shared.resolve("cache");
        Result result = LabProcess.run(cache, LabProcess.tiny(shared, "--out", uninterrupted, "--accumulation", 2,
                "--set", "model.dropout=0.1"));
        assertEquals(0, result.exitCode(), result.err());
    }

    /** A copy of the run as a kill after its last checkpoint would have left it. */
    @BeforeEach
    void killedAtTheEnd() throws IOException {
        run = folder.resolve("run");
        FolderContents.copy(uninterrupted, run);
        Files.delete(run.resolve("summary.json"));
        Files.delete(run.resolve("loss.png"));
        Path manifest = run.resolve("manifest.json");
        Files.writeString(manifest, Files.readString(manifest).replace("\"finished\"", "\"running\""));
    }

    private Result resume() {
        Result result = LabProcess.run(cache, "pretrain", "--resume", run.toString());
        assertEquals(0, result.exitCode(), result.err());
        return result;
    }

    private void assertEqualToUninterrupted() throws IOException {
        Map<String, String> expected = FolderContents.of(FolderContents.checkpoint(uninterrupted, STEPS));
        Map<String, String> found = FolderContents.of(FolderContents.checkpoint(run, STEPS));
        for (String file : List.of("model.safetensors", "exp_avg.safetensors", "exp_avg_sq.safetensors")) {
            assertTrue(expected.containsKey(file), expected.toString());
            assertEquals(expected.get(file), found.get(file), file);
        }
        assertEquals(losses(uninterrupted), losses(run));
        assertEquals(LongStream.rangeClosed(1, STEPS).boxed().toList(), FolderContents.trainedSteps(run));
        assertTrue(Files.exists(run.resolve("summary.json")) && Files.exists(run.resolve("loss.png")));
    }

    /** metrics.jsonl without what the clock decides. */
    private static List<String> losses(Path run) throws IOException {
        return Files.readAllLines(run.resolve("metrics.jsonl")).stream()
                .map(line -> line.replaceAll("\"(seconds|tokens_per_second|mfu)\":[^,}]*,?", "")).toList();
    }

    @Test
    void fromACheckpointInTheMiddle() throws IOException {
        Trees.delete(FolderContents.checkpoint(run, 8));
        assertTrue(resume().out().contains("resumed    after step 4"));
        assertEqualToUninterrupted();
    }

    @Test
    void fromTheStartWhereThereWasNoCheckpoint() throws IOException {
        Trees.delete(run.resolve("checkpoints"));
        assertFalse(resume().out().contains("resumed"));
        assertEqualToUninterrupted();
    }

    @Test
    void fromTheVeryEnd() throws IOException {
        resume();
        assertEqualToUninterrupted();
        String summary = Files.readString(run.resolve("summary.json"));
        assertTrue(resume().out().contains("has finished already"));
        assertEquals(summary, Files.readString(run.resolve("summary.json")));
    }

    @Test
    void aDamagedCheckpointIsNamedAndTheOneBeforeItUsed() throws IOException {
        FolderContents.flip(FolderContents.checkpoint(run, 8).resolve("model.safetensors"));
        assertRefused(FolderContents.checkpoint(run, 8)
                + " is refused: model.safetensors has other bytes than were saved");
        FolderContents.truncate(FolderContents.checkpoint(run, 8).resolve("exp_avg_sq.safetensors"), 1);
        assertRefused(FolderContents.checkpoint(run, 8) + " is refused: exp_avg_sq.safetensors has ");
        Files.delete(FolderContents.checkpoint(run, 8).resolve("COMPLETE.json"));
        assertRefused(FolderContents.checkpoint(run, 8) + " is refused: it has no COMPLETE.json");
    }

    private void assertRefused(String warning) throws IOException {
        Result result = resume();
        assertTrue(result.out().contains("warning: Checkpoint " + warning), result.out());
        assertTrue(result.out().contains("resumed    after step 4"), result.out());
        assertEqualToUninterrupted();
    }

    /** A torn line, a later step and a half-written checkpoint: what a kill leaves between two checkpoints. */
    @Test
    void whatAKillLeftIsCleanedUp() throws IOException {
        Trees.delete(FolderContents.checkpoint(run, 8));
        Files.writeString(run.resolve("metrics.jsonl"), "{\"step\":9,\"sec", StandardOpenOption.APPEND);
        Path half = Files.createDirectory(run.resolve("checkpoints/.step-00000008.tmp"));
        Files.writeString(half.resolve("model.safetensors"), "half");
        Files.writeString(run.resolve(".manifest.json.4711.tmp"), "{");
        resume();
        assertEqualToUninterrupted();
        assertFalse(Files.exists(half) || Files.exists(run.resolve(".manifest.json.4711.tmp")));
    }

    /** A relative path means something else in another folder: the run keeps what it meant. */
    @Test
    void whereverItIsResumedItsTextIsFound() throws IOException {
        Path text = BadInputTest.text(folder.resolve("t.txt"), 60);
        Path valid = Files.writeString(folder.resolve("v.txt"), Files.readString(text).replace("dogs", "cats"));
        Path tokenizer = uninterrupted.resolve("tokenizer.json");
        Path here = Path.of("").toAbsolutePath();
        Path relative = folder.resolve("relative");
        Result result = LabProcess.run(cache, LabProcess.tiny(shared, "--out", relative, "--data",
                "text:" + here.relativize(text), "--valid", "text:" + here.relativize(valid), "--tokenizer",
                here.relativize(tokenizer)));
        assertEquals(0, result.exitCode(), result.err());
        String config = Files.readString(relative.resolve("config.yaml"));
        for (Path path : List.of(text, valid, tokenizer)) {
            String line = config.lines().filter(one -> one.contains(path.getFileName().toString())).findFirst()
                    .orElseThrow();
            Path found = Path.of(line.replaceAll("^ *[a-z]+: |\"|text:", ""));
            assertTrue(found.isAbsolute() && Files.isSameFile(path, found), config);
        }
        Trees.delete(FolderContents.checkpoint(relative, 8));
        Path manifest = relative.resolve("manifest.json");
        Files.writeString(manifest, Files.readString(manifest).replace("\"finished\"", "\"running\""));
        run = relative;
        assertTrue(resume().out().contains("resumed    after step 4"));
    }

    @Test
    void theCommandThatStartsARunAlsoContinuesIt() throws IOException {
        Path both = folder.resolve("both");
        String[] command = LabProcess.tiny(shared, "--out", both, "--resume", "--accumulation", 2, "--set",
                "model.dropout=0.1");
        assertEquals(0, LabProcess.run(cache, command).exitCode());
        Trees.delete(FolderContents.checkpoint(both, 8));
        Result again = LabProcess.run(cache, command);
        assertTrue(again.out().contains("resumed    after step 4"), again.out() + again.err());
        run = both;
        assertEqualToUninterrupted();
    }
}
