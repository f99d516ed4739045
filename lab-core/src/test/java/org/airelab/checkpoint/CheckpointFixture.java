package org.airelab.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.airelab.checkpoint.CheckpointStore.FileWriter;
import org.junit.jupiter.api.io.TempDir;

/** A run's folder and what is saved there. */
abstract class CheckpointFixture {
    @TempDir
    Path run;

    final List<String> warnings = new ArrayList<>();

    final CheckpointStore twoCheckpoints() {
        CheckpointStore store = new CheckpointStore(run, 3);
        store.save(1, files("one"));
        store.save(2, files("two"));
        return store;
    }

    static Map<String, FileWriter> files(String state) {
        return Map.of("state.json", FileWriter.text(state), "model.safetensors",
                out -> out.write(ByteBuffer.wrap("some tensors".getBytes(StandardCharsets.UTF_8))));
    }

    final List<String> entries() throws IOException {
        try (var entries = Files.list(run.resolve("checkpoints"))) {
            return List.copyOf(new TreeSet<>(entries.map(entry -> entry.getFileName().toString()).toList()));
        }
    }
}
