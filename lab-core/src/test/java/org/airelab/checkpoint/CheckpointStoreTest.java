package org.airelab.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.airelab.base.Hashes;
import org.airelab.base.UserError;
import org.airelab.checkpoint.CheckpointStore.FileWriter;
import org.junit.jupiter.api.Test;

/** What is saved, found and kept. */
class CheckpointStoreTest extends CheckpointFixture {
    @Test
    void savesAndFindsTheNewest() throws IOException {
        CheckpointStore store = new CheckpointStore(run, 5);
        assertEquals(Optional.empty(), store.latest(warnings::add));
        store.save(9, files("nine"));
        Checkpoint saved = store.save(100, files("hundred"));
        assertEquals(run.resolve("checkpoints/step-00000100"), saved.folder());
        assertEquals(Optional.of(saved), store.latest(warnings::add));
        assertEquals("hundred", Files.readString(saved.file("state.json")));
        assertEquals(List.of(9L, 100L), store.steps());
        assertEquals(9, store.at(9).step());
        assertTrue(assertThrows(UserError.class, () -> store.at(10)).getMessage().contains("[9, 100]"));
        assertEquals(List.of(), warnings);
    }

    @Test
    void markerTellsSizesAndHashes() throws IOException {
        Checkpoint saved = new CheckpointStore(run, 1).save(3, Map.of("a.json", FileWriter.text("abc")));
        assertEquals("""
                {
                  "format": 1,
                  "step": 3,
                  "files": {
                    "a.json": {
                      "size": 3,
                      "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                    }
                  }
                }
                """, Files.readString(saved.file("COMPLETE.json")));
    }

    @Test
    void hashesWhateverThePieces() throws IOException {
        byte[] bytes = new byte[5_300_001];
        new Random(5).nextBytes(bytes);
        int[] sizes = {1, 1 << 20, 3, (1 << 20) + 1, 100, (3 << 20) + 17};
        Checkpoint saved = new CheckpointStore(run, 1).save(1, Map.of("x", out -> {
            int at = 0;
            for (int i = 0; at < bytes.length; i++) {
                int length = Math.min(sizes[i % sizes.length], bytes.length - at);
                assertEquals(length, out.write(ByteBuffer.wrap(bytes, at, length)));
                at += length;
            }
        }, "empty", _ -> { }));
        assertArrayEquals(bytes, Files.readAllBytes(saved.file("x")));
        String marker = Files.readString(saved.file("COMPLETE.json"));
        assertTrue(marker.contains(Hashes.sha256(bytes)) && marker.contains(Hashes.sha256(new byte[0])), marker);
    }

    @Test
    void foldersOfOtherNamesAreIgnored() throws IOException {
        CheckpointStore store = twoCheckpoints();
        Files.createDirectories(run.resolve("checkpoints/step-9"));
        Files.createDirectories(run.resolve("checkpoints/other"));
        Files.writeString(run.resolve("checkpoints/step-00000009"), "a file");
        assertEquals(List.of(1L, 2L), store.steps());
        assertEquals(2, store.latest(warnings::add).orElseThrow().step());
        assertEquals(List.of(), warnings);
        Path file = Files.writeString(run.resolve("file"), "");
        Files.createDirectories(run.resolve("r2"));
        Files.copy(file, run.resolve("r2/checkpoints"));
        assertThrows(UserError.class, () -> new CheckpointStore(run.resolve("r2"), 1).latest(warnings::add));
    }

    @Test
    void keepsTheNewestAndTheBest() {
        CheckpointStore store = new CheckpointStore(run, 2);
        for (long step = 1; step <= 3; step++) {
            store.save(step, files("x"));
        }
        assertEquals(List.of(2L, 3L), store.steps());
        assertEquals(Optional.empty(), store.best(warnings::add));
        store.markBest(2, 3.5);
        assertEquals(3.5, store.bestLoss().orElseThrow());
        for (long step = 4; step <= 6; step++) {
            store.save(step, files("x"));
        }
        assertEquals(List.of(2L, 5L, 6L), store.steps());
        assertEquals(2, store.best(warnings::add).orElseThrow().step());
        store.markBest(6, 3.25);
        store.save(7, files("x"));
        assertEquals(List.of(6L, 7L), store.steps());
        store.continueFrom(6);
        assertEquals(6, store.best(warnings::add).orElseThrow().step());
        store.save(7, files("x"));
        store.markBest(7, 3);
        store.continueFrom(6);
        assertEquals(Optional.empty(), store.best(warnings::add), "the run goes another way from step 6 on");
    }

    @Test
    void checkpointsWithoutMarkerDoNotCountAsKept() throws IOException {
        CheckpointStore store = new CheckpointStore(run, 2);
        store.save(1, files("x"));
        store.save(2, files("x"));
        Files.delete(run.resolve("checkpoints/step-00000002/COMPLETE.json"));
        store.save(3, files("x"));
        assertEquals(List.of(1L, 2L, 3L), store.steps());
        store.save(4, files("x"));
        assertEquals(List.of(3L, 4L), store.steps());
    }

    @Test
    void savingAStepAgainReplacesIt() throws IOException {
        CheckpointStore store = twoCheckpoints();
        Checkpoint again = store.save(2, files("again"));
        assertEquals("again", Files.readString(again.file("state.json")));
        assertEquals(again, store.latest(warnings::add).orElseThrow());
        assertEquals(List.of("step-00000001", "step-00000002"), entries());
    }

    @Test
    void continuingFromAStepForgetsLaterOnes() {
        CheckpointStore store = new CheckpointStore(run, 9);
        for (long step = 1; step <= 4; step++) {
            store.save(step, files("x"));
        }
        store.continueFrom(2);
        assertEquals(List.of(1L, 2L), store.steps());
    }

    @Test
    void callersMistakesAreArguments() {
        assertThrows(IllegalArgumentException.class, () -> new CheckpointStore(run, 0));
        CheckpointStore store = new CheckpointStore(run, 1);
        assertThrows(IllegalArgumentException.class, () -> store.save(-1, files("x")));
        for (String name : List.of("", "a/b", ".hidden", "COMPLETE.json", "a\\b")) {
            assertThrows(IllegalArgumentException.class, () -> store.save(1, Map.of(name, FileWriter.text(""))));
        }
    }
}
