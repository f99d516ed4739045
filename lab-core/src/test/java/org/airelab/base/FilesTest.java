package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Json, Trees, IoReasons and AtomicFiles. */
class FilesTest {
    @TempDir
    private Path folder;

    record Result(double valLoss, List<Long> stepsDone, String sha256) {
    }

    @Test
    void jsonIsIndentedAndSnakeCase() throws IOException {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("b", new Result(Double.NaN, List.of(1L, 2L), "ff"));
        map.put("a", Double.NEGATIVE_INFINITY);
        Json.write(folder.resolve("x.json"), map);
        assertEquals("""
                {
                  "b": {
                    "val_loss": "NaN",
                    "steps_done": [ 1, 2 ],
                    "sha256": "ff"
                  },
                  "a": "-Infinity"
                }
                """, Files.readString(folder.resolve("x.json")));
        assertEquals(new Result(1.5, List.of(), null), Json.MAPPER.readValue(
                "{\"val_loss\": 1.5, \"steps_done\": [], \"sha256\": null}", Result.class));
        assertThrows(JsonProcessingException.class, () -> Json.MAPPER.readTree("{\"a\":1,\"a\":2}"));
        assertThrows(JsonProcessingException.class, () -> Json.MAPPER.readTree("{} {}"));
        assertThrows(IllegalArgumentException.class, () -> Json.pretty(new Object()));
    }

    @Test
    void treesGoAndLinksTargetsStay() throws IOException {
        Path kept = Files.writeString(folder.resolve("kept"), "x");
        Path tree = Files.createDirectories(folder.resolve("tree/a/b")).getParent().getParent();
        Files.writeString(tree.resolve("a/f"), "x");
        Files.createSymbolicLink(tree.resolve("a/link"), kept);
        Files.createSymbolicLink(tree.resolve("loop"), tree);
        Path link = Files.createSymbolicLink(folder.resolve("link"), tree);
        Trees.delete(link);
        assertTrue(Files.exists(tree.resolve("a/f")), "a link goes, what it points to stays");
        Trees.delete(tree);
        Trees.delete(folder.resolve("none"));
        assertFalse(Files.exists(tree));
        assertEquals("x", Files.readString(kept));
    }

    @Test
    void reasonsAreWords() {
        assertEquals("no such file or folder: f", IoReasons.of(new NoSuchFileException("f")));
        assertEquals("permission denied: f", IoReasons.of(new AccessDeniedException("f")));
        assertEquals("No space left on device: f", IoReasons.of(new FileSystemException("f", null, "No space left on device")));
        assertEquals("No space left on device", IoReasons.of(new IOException("No space left on device")));
        assertEquals("IOException", IoReasons.of(new IOException()));
    }

    @Test
    void aFailedWriteLeavesTheFileAsItWas() throws IOException {
        Path file = folder.resolve("x.txt");
        AtomicFiles.writeString(file, "before");
        assertThrows(IOException.class, () -> AtomicFiles.write(file, temporary -> {
            Files.writeString(temporary, "half");
            throw new IOException("No space left on device");
        }));
        assertEquals("before", Files.readString(file));
        try (var files = Files.list(folder)) {
            assertEquals(List.of(file), files.toList());
        }
    }
}
