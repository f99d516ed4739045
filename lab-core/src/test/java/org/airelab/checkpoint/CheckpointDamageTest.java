package org.airelab.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Checkpoints whose files are not what was saved. */
class CheckpointDamageTest extends CheckpointFixture {
    @Test
    void everyTruncationOfEveryFileIsRefused() throws IOException {
        CheckpointStore store = twoCheckpoints();
        for (String name : List.of("model.safetensors", "state.json", "COMPLETE.json")) {
            Path file = store.at(2).file(name);
            byte[] whole = Files.readAllBytes(file);
            for (int length = 0; length < whole.length; length++) {
                Files.write(file, Arrays.copyOf(whole, length));
                assertRefused(store, "step-00000002");
            }
            Files.write(file, Arrays.copyOf(whole, whole.length + 1));
            assertRefused(store, "step-00000002");
            Files.delete(file);
            assertRefused(store, "step-00000002");
            Files.write(file, whole);
            assertEquals(2, store.latest(warnings::add).orElseThrow().step());
        }
    }

    @Test
    void everyFlippedBitIsRefused() throws IOException {
        CheckpointStore store = twoCheckpoints();
        for (String name : List.of("model.safetensors", "state.json", "COMPLETE.json")) {
            Path file = store.at(2).file(name);
            byte[] whole = Files.readAllBytes(file);
            for (int at = 0; at < whole.length; at++) {
                byte[] damaged = whole.clone();
                damaged[at] ^= (byte) (1 << at % 8);
                Files.write(file, damaged);
                assertRefused(store, name.equals("COMPLETE.json") ? "step-00000002" : name + " has other bytes");
            }
            Files.write(file, whole);
        }
    }

    @Test
    void whatWasNotSavedIsRefused() throws IOException {
        CheckpointStore store = twoCheckpoints();
        Path folder = store.at(2).folder();
        Path junk = Files.writeString(folder.resolve("model.bin"), "x");
        assertRefused(store, "[model.bin]");
        Files.delete(junk);
        Files.writeString(folder.resolve(".nfs000001"), "hidden files are the file system's business");
        assertEquals(2, store.latest(warnings::add).orElseThrow().step());
        Files.move(folder, folder.resolveSibling("step-00000007"));
        assertRefused(store, "is of step 2");
    }

    private void assertRefused(CheckpointStore store, String reason) {
        warnings.clear();
        assertEquals(1, store.latest(warnings::add).orElseThrow().step());
        assertEquals(1, warnings.size());
        assertTrue(warnings.getFirst().contains(reason), warnings.getFirst());
        warnings.clear();
    }

    @Test
    void damagedBestIsTold() throws IOException {
        CheckpointStore store = twoCheckpoints();
        store.markBest(1, 2);
        Files.writeString(store.at(1).file("state.json"), "?");
        assertEquals(Optional.empty(), store.best(warnings::add));
        assertTrue(warnings.getFirst().contains("state.json has 1 bytes"), warnings.getFirst());
        Files.writeString(run.resolve("checkpoints/best.json"), "{");
        assertEquals(Optional.empty(), store.best(warnings::add));
    }
}
