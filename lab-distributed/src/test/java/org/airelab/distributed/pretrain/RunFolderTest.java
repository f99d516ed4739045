package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.airelab.base.Trees;
import org.airelab.base.UserError;
import org.airelab.distributed.SmallDisk;
import org.airelab.distributed.pretrain.LabProcess.Result;
import org.airelab.tracking.RunDirectory;
import org.airelab.tracking.RunManifest;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders a run cannot use, resuming what cannot be resumed, and what is left where a run stops. */
class RunFolderTest {
    @TempDir
    private static Path shared;
    private static Path sharedRun;
    private static Path sharedCache;

    @TempDir
    private Path folder;
    /** Copies of a run of 8 steps with checkpoints of 4 and 8, and of the cache it filled. */
    private Path run;
    private Path cache;

    @BeforeAll
    static void trainOnce() throws IOException {
        sharedRun = shared.resolve("run");
        sharedCache = shared.resolve("cache");
        Result result = LabProcess.run(sharedCache, LabProcess.tiny(shared, "--out", sharedRun));
        assertEquals(0, result.exitCode(), result.err());
    }

    @BeforeEach
    void copy() throws IOException {
        run = folder.resolve("run");
        cache = folder.resolve("cache");
        FolderContents.copy(sharedRun, run);
        FolderContents.copy(sharedCache, cache);
    }

    private Result pretrain(Object... more) throws IOException {
        return LabProcess.run(cache, LabProcess.tiny(shared, more));
    }

    /** The command is refused and changes nothing. */
    private void refused(int exitCode, String message, String advice, Object... more) throws IOException {
        Map<String, String> before = FolderContents.of(folder);
        LabProcess.explained(pretrain(more), exitCode, message, advice);
        assertEquals(before, FolderContents.of(folder), "was changed");
    }

    /** One rank that was asked for a back end does its collectives, alone, and trains as without. */
    @ParameterizedTest
    @ValueSource(ints = {0, 3})
    void oneRankWithAGroup(int zero) throws IOException {
        Path grouped = folder.resolve("grouped");
        Result result = pretrain("--out", grouped, "--backend", "shm", "--zero", zero);
        assertEquals(0, result.exitCode(), result.err());
        assertTrue(result.out().contains("itself; arrays exchanged by shared memory\n"), result.out());
        assertArrayEquals(Ranks.losses(run), Ranks.losses(grouped), 1e-6);
        assertArrayEquals(Ranks.losses(run, "val_loss"), Ranks.losses(grouped, "val_loss"), 1e-6);
        assertFalse(pretrain("--out", folder.resolve("without")).out().contains("arrays exchanged by"));
    }

    private static Path shard(Path cache) throws IOException {
        return find(cache, "train-00000.bin");
    }

    private static Path find(Path root, String name) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            return paths.filter(path -> path.endsWith(name)).findFirst().orElseThrow();
        }
    }

    /** Damages a cache. */
    @FunctionalInterface
    interface Damage {
        void to(Path cache) throws IOException;
    }

    static Stream<Arguments> damages() {
        return Stream.of(
                damage("a shard cut off", "its manifest says", cache -> FolderContents.truncate(shard(cache), 2)),
                damage("a flipped bit in a shard", "was altered", cache -> FolderContents.flip(shard(cache))),
                damage("a lost shard", "is missing", cache -> Files.delete(shard(cache))),
                damage("a flipped bit in the tokenizer", "was altered",
                        cache -> FolderContents.flip(find(cache, "tokenizer.json"))),
                damage("a lost tokenizer", "is missing", cache -> Files.delete(find(cache, "tokenizer.json"))),
                damage("a manifest cut off", "is damaged",
                        cache -> FolderContents.truncate(find(cache, "manifest.json"), 9)),
                damage("a flipped digit in the manifest", "was altered",
                        cache -> edit(find(cache, "manifest.json"), "\"floor\": 0.2", "\"floor\": 0.3")),
                damage("a lost manifest", "holds no prepared data",
                        cache -> Files.delete(find(cache, "manifest.json"))));
    }

    private static Arguments damage(String name, String message, Damage damage) {
        return Arguments.of(name, message, damage);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("damages")
    void damagedDataIsNotLearnedFrom(String name, String message, Damage damage) throws IOException {
        damage.to(cache);
        refused(UserError.BAD_INPUT, message, "prepare", "--out", folder.resolve("new"));
    }

    @Test
    void foldersOfOthersAreLeftAlone() throws IOException {
        Path file = Files.writeString(folder.resolve("thesis.tex"), "x");
        refused(UserError.BAD_INPUT, "is a file and a run needs a folder", "another folder", "--out", file);
        refused(UserError.MACHINE, "could not be created or written: not a folder", "on a disk that can be written",
                "--out", file.resolve("run"));
        Path foreign = Files.createDirectory(folder.resolve("foreign"));
        Files.writeString(foreign.resolve("tokenizer.json"), "{}");
        String message = "is not empty and holds no run: tokenizer.json is in it";
        refused(UserError.BAD_INPUT, message, "an empty folder", "--out", foreign);
        refused(UserError.BAD_INPUT, message, "an empty folder", "--out", foreign, "--overwrite");
        refused(UserError.BAD_INPUT, message, "an empty folder", "--out", foreign, "--resume");
        refused(UserError.BAD_INPUT, "holds a run already", "--resume", "--out", run);
    }

    /** Where not even the superuser can write. */
    @Test
    void readOnlyFoldersAreTheMachinesFault() throws IOException {
        Path sys = Path.of("/sys/kernel");
        Assumptions.assumeTrue(Files.isDirectory(sys), "there is no /sys/kernel to fail to write to");
        refused(UserError.MACHINE, "could not be created or written", "on a disk that can be written", "--out",
                sys.resolve("run"));
        cache = sys.resolve("cache");
        LabProcess.explained(pretrain("--out", folder.resolve("new")), UserError.MACHINE, "cannot write in the folder",
                "XDG_CACHE_HOME");
        assertFalse(Files.exists(folder.resolve("new")));
    }

    @Test
    void aRunOfAnotherProcessIsLeftAlone() throws Exception {
        Process holder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), Holder.class.getName(),
                run.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            assertEquals('h', holder.getInputStream().read());
            String message = "is being written by process " + holder.pid();
            refused(UserError.BAD_INPUT, message, "Wait until that run has ended", "--out", run, "--resume");
            refused(UserError.BAD_INPUT, message, "Wait until that run has ended", "--out", run, "--overwrite");
        } finally {
            holder.destroyForcibly().waitFor();
        }
        assertEquals(0, LabProcess.run(cache, "pretrain", "--resume", run.toString()).exitCode());
    }

    /** The process that holds a run until it is killed. */
    static final class Holder {
        private Holder() {
        }

        static void main(String[] arguments) throws InterruptedException {
            try (RunDirectory held = RunDirectory.open(Path.of(arguments[0]), RunDirectory.Existing.RESUME)) {
                System.out.print(held.root().getNameCount() > 0 ? "held" : "");
                System.out.flush();
                TimeUnit.MINUTES.sleep(5);
            }
        }
    }

    private void refusedToResume(String message, String advice) throws IOException {
        Map<String, String> before = FolderContents.of(folder);
        Result result = LabProcess.run(cache, "pretrain", "--resume", run.toString());
        LabProcess.explained(result, UserError.BAD_INPUT, message, advice);
        assertEquals(before, FolderContents.of(folder), "was changed");
    }

    @Test
    void onlyWhatItWasIsResumed() throws IOException {
        Result none = LabProcess.run(cache, "pretrain", "--resume", folder.resolve("none").toString());
        LabProcess.explained(none, UserError.BAD_INPUT, "holds no run to resume", "leave --resume out");
        LabProcess.explained(LabProcess.run(cache, "pretrain", "--resume"), UserError.BAD_INPUT,
                "--resume names no run", "--resume RUN");
        LabProcess.explained(LabProcess.run(cache, "pretrain", "--steps", "9", "--resume", run.toString()),
                UserError.BAD_INPUT, "keeps its configuration, which --steps 9 would change", "start a new run");
        edit(run.resolve("config.yaml"), "batch_size: 4", "batch_size: 5");
        refusedToResume("config.yaml is not the one its run began with", "Restore the file");
        edit(run.resolve("config.yaml"), "batch_size: 5", "batch_sise: 4");
        refusedToResume("did you mean train.batch_size?", "The keys of train are");
        edit(run.resolve("config.yaml"), "batch_sise: 4", "batch_size: 4");
        edit(run.resolve("tokenizer.json"), "\"version\"", "\"versions\"");
        assertEquals(0, LabProcess.run(cache, "pretrain", "--resume", run.toString()).exitCode(), "the same tokenizer");
        FolderContents.truncate(run.resolve("tokenizer.json"), 20);
        refusedToResume("is not a valid tokenizer file", "as they were published");
        FolderContents.truncate(run.resolve("manifest.json"), 20);
        refusedToResume("is no manifest of a run", "Start a new run");
    }

    private static void edit(Path file, String from, String to) throws IOException {
        String text = Files.readString(file);
        assertTrue(text.contains(from), text);
        Files.writeString(file, text.replace(from, to));
    }

    @Test
    void textThatHasChangedIsNotLearnedFromHalfWay() throws IOException {
        Path text = BadInputTest.text(folder.resolve("t.txt"), 60);
        Result first = pretrain("--data", "text:" + text, "--out", folder.resolve("r"));
        assertEquals(0, first.exitCode(), first.err());
        run = folder.resolve("r");
        edit(run.resolve("manifest.json"), "finished", "running");
        Files.writeString(text, "and one more dog", StandardOpenOption.APPEND);
        Result result = LabProcess.run(cache, "pretrain", "--resume", run.toString());
        LabProcess.explained(result, UserError.BAD_INPUT, "has changed since", "Restore the text");
    }

    @Test
    void aRunWithoutAWholeCheckpointIsNotStartedOverUnasked() throws IOException {
        FolderContents.flip(FolderContents.checkpoint(run, 4).resolve("exp_avg.safetensors"));
        Files.delete(FolderContents.checkpoint(run, 8).resolve("COMPLETE.json"));
        refusedToResume("no checkpoint of " + run + " is whole, of the steps [4, 8]", "--overwrite");
    }

    @Test
    void aFailedOverwriteKeepsTheRun() throws IOException {
        refused(UserError.BAD_INPUT, "there is no file or folder", "Give the path", "--overwrite", "--out", run,
                "--data", "text:" + folder.resolve("no.txt"));
        refused(UserError.BAD_INPUT, "fewer than one window", "shorter context", "--overwrite", "--out", run, "--set",
                "model.context_length=1000000", "--batch-size", 1);
        assertEquals(0, pretrain("--overwrite", "--out", run, "--steps", 2).exitCode());
        assertFalse(Files.exists(FolderContents.checkpoint(run, 8)));
        assertEquals(List.of(1L, 2L), FolderContents.trainedSteps(run));
    }

    /** What a start leaves that is killed before the folder is a run does not keep the next one out. */
    @Test
    void aKilledStartIsStartedAgain() throws IOException {
        for (String left : List.of("manifest.json", "checkpoints", "metrics.jsonl", "summary.json", "loss.png",
                "samples", "tensorboard")) {
            Trees.delete(run.resolve(left));
        }
        Files.writeString(run.resolve(".config.yaml.4711.tmp"), "half");
        Map<String, String> whole = FolderContents.of(FolderContents.checkpoint(sharedRun, 8));
        assertEquals(0, pretrain("--out", run).exitCode());
        assertFalse(Files.exists(run.resolve(".config.yaml.4711.tmp")));
        assertEquals(whole.get("model.safetensors"),
                FolderContents.of(FolderContents.checkpoint(run, 8)).get("model.safetensors"));
    }

    @Test
    void aRunThatDivergesSaysWhereAndIsKept() throws IOException {
        Result result = pretrain("--out", folder.resolve("new"), "--steps", 100, "--set", "optimizer.kind=sgd", "--set",
                "optimizer.learning_rate=1e30", "--set", "optimizer.clip_norm=0", "--set", "run.checkpoint_every=100");
        assertEquals(UserError.FAILED, result.exitCode(), result.err());
        List<String> lines = result.err().lines().toList();
        assertEquals(2, lines.size(), result.err());
        assertTrue(lines.getFirst().matches("error: the run diverged at step \\d+: .*; suspect \\S+ \\(.*\\)\\."),
                result.err());
        assertTrue(lines.getLast().contains("Lower optimizer.learning_rate"), result.err());
        Path kept = folder.resolve("new");
        assertFalse(FolderContents.trainedSteps(kept).isEmpty());
        assertEquals(RunManifest.Status.FAILED, RunManifest.standing(kept.resolve("manifest.json")).status());
    }

    /** Sizes, in KiB, of disks that are full: before the first checkpoint, and after it. */
    @ParameterizedTest
    @ValueSource(ints = {60, 300})
    void aFullDisk(int kibibytes) throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("disk"), kibibytes)) {
            Path out = disk.root().resolve("runs/run");
            Result result = pretrain("--out", out, "--steps", 60, "--set", "run.checkpoint_every=10", "--set",
                    "run.eval_every=100", "--set", "run.keep_checkpoints=100");
            LabProcess.explained(result, UserError.MACHINE, "could not be written", "Free space");
            boolean begun = RunDirectory.isRun(out);
            assertEquals(begun, Files.exists(FolderContents.checkpoint(out, 10)));
            if (!begun) {
                assertEquals(Map.of("", "folder"), FolderContents.of(disk.root()));
                return;
            }
            FolderContents.noTemporaries(out.resolve("checkpoints"));
            disk.grow(512);
            Result resumed = LabProcess.run(cache, "pretrain", "--resume", out.toString());
            assertTrue(resumed.out().contains("resumed    after step"), resumed.err());
        }
    }

    /** The root of a disk can be filled, but not be replaced: that is said before any work. */
    @Test
    void aMountPoint() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("disk"), 4000)) {
            for (String[] command : List.of(new String[] {"data", "prepare", "text:" + folder.resolve("none.txt"),
                "--out", disk.root().toString()}, new String[] {"export", run.toString(), "--format", "hf", "--out",
                    disk.root().toString()})) {
                LabProcess.explained(LabProcess.run(cache, command), UserError.BAD_INPUT,
                        "cannot be replaced by the finished one", disk.root() + "/data");
                assertEquals(Map.of("", "folder"), FolderContents.of(disk.root()));
            }
        }
    }

    @Test
    void aFullDiskUnderTheCache() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("disk"), 40)) {
            cache = disk.root();
            LabProcess.explained(pretrain("--out", folder.resolve("new")), UserError.MACHINE, "No space left on device",
                    "space");
            assertFalse(Files.exists(folder.resolve("new")));
            FolderContents.noTemporaries(cache);
        }
    }
}
