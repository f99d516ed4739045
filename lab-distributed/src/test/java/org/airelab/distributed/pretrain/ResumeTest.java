package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.airelab.base.Trees;
import org.airelab.base.UserError;
import org.airelab.distributed.pretrain.LabProcess.Result;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
        assertEquals(Set.of("model.safetensors", "exp_avg.safetensors", "exp_avg_sq.safetensors"),
                tensors(uninterrupted).keySet());
        assertEquals(tensors(uninterrupted), tensors(run));
        assertEquals(state(uninterrupted), state(run));
        assertEquals(losses(uninterrupted), losses(run));
        assertEquals(LongStream.rangeClosed(1, STEPS).boxed().toList(), FolderContents.trainedSteps(run));
        assertTrue(Files.exists(run.resolve("summary.json")) && Files.exists(run.resolve("loss.png")));
    }

    /** SHA-256 of the last checkpoint's tensors by file. */
    private static Map<String, String> tensors(Path run) throws IOException {
        Map<String, String> files = FolderContents.of(FolderContents.checkpoint(run, STEPS));
        files.keySet().removeIf(name -> !name.endsWith(".safetensors"));
        return files;
    }

    /** The last checkpoint's clocks, scales and memories without what the clock on the wall decides. */
    private static String state(Path run) throws IOException {
        return Files.readString(FolderContents.checkpoint(run, STEPS).resolve("state.json"))
                .replaceAll("\"seconds\" : [^,]*,", "");
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
        assertTrue(result.err().contains("warning: Checkpoint " + warning), result.err());
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

    /** Every kind of state there is: of optimizers, of the scale of float16's loss, of recomputation. */
    @ParameterizedTest
    @ValueSource(strings = {"run.precision=fp16", "run.precision=bf16", "optimizer.kind=sgd", "optimizer.kind=rmsprop",
        "train.checkpointing=true"})
    void everyKindOfRunIsResumed(String setting) throws IOException {
        Path whole = folder.resolve("whole");
        String[] command = LabProcess.tiny(shared, "--out", whole, "--set", setting);
        assertEquals(0, LabProcess.run(cache, command).exitCode());
        run = folder.resolve("cut");
        FolderContents.copy(whole, run);
        Trees.delete(FolderContents.checkpoint(run, 8));
        assertTrue(resume().out().contains("resumed    after step 4"));
        assertEquals(state(whole), state(run));
        assertEquals(tensors(whole), tensors(run));
        assertEquals(losses(whole), losses(run));
    }

    @Test
    void aResumedRunKeepsItsConfiguration() throws IOException {
        Path config = Files.writeString(folder.resolve("other.yaml"), "train: {steps: 9}");
        for (List<String> more : List.of(List.of("--steps", "9"), List.of("--set", "optimizer.learning_rate=0.5"),
                List.of("--config", config.toString()), List.of("stories260k"))) {
            List<String> command = new ArrayList<>(List.of("pretrain", "--resume", "--out", run.toString()));
            command.addAll(more);
            LabProcess.explained(LabProcess.run(cache, command.toArray(String[]::new)), UserError.BAD_INPUT,
                    "a resumed run keeps its configuration, which ", "start a new run");
        }
        LabProcess.explained(LabProcess.run(cache, "pretrain", "--resume", run.toString(), "--out", "elsewhere"),
                UserError.BAD_INPUT, "names another folder", "Leave one of them out.");
        assertEquals(0, LabProcess.run(cache, "pretrain", "--resume", run.toString(), "--steps", "8").exitCode());
    }

    @Test
    void theBestCheckpointIsTheOneWithTheLowestValidationLoss() throws IOException {
        List<String> validated = Files.readAllLines(uninterrupted.resolve("metrics.jsonl")).stream()
                .filter(line -> line.contains("val_loss")).toList();
        assertEquals(2, validated.size());
        double[] losses = validated.stream().mapToDouble(
                line -> Double.parseDouble(line.replaceAll(".*\"val_loss\":([0-9.]+).*", "$1"))).toArray();
        int best = losses[1] < losses[0] ? 8 : 4;
        assertTrue(Files.readString(uninterrupted.resolve("checkpoints/best.json")).contains("\"step\": " + best));
        Files.delete(run.resolve("checkpoints/best.json"));
        Trees.delete(FolderContents.checkpoint(run, 8));
        resume();
        assertEquals(Files.readString(uninterrupted.resolve("checkpoints/best.json")),
                Files.readString(run.resolve("checkpoints/best.json")), "a kill came before the mark");
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
