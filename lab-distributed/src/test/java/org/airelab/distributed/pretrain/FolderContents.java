package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.airelab.base.Hashes;

/** What folders hold, to the byte. */
final class FolderContents {
    private FolderContents() {
    }

    /** SHA-256 by relative path of every file, "lock" for a lock and "folder" for every folder. */
    static Map<String, String> of(Path root) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.toList()) {
                String content = path.endsWith(".lock") ? "lock"
                        : Files.isRegularFile(path) ? Hashes.sha256(path) : "folder";
                contents.put(root.relativize(path).toString(), content);
            }
        }
        return contents;
    }

    static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> paths = Files.walk(from)) {
            for (Path path : paths.toList()) {
                Files.copy(path, to.resolve(from.relativize(path).toString()));
            }
        }
    }

    /** The checkpoint of a step of a run. */
    static Path checkpoint(Path run, long step) {
        return run.resolve(String.format(Locale.ROOT, "checkpoints/step-%08d", step));
    }

    /** The steps of a run's metrics.jsonl that report a training loss, as they stand there. */
    static List<Long> trainedSteps(Path run) throws IOException {
        try (Stream<String> lines = Files.lines(run.resolve("metrics.jsonl"))) {
            return lines.filter(line -> line.contains("\"train_loss\""))
                    .map(line -> Long.parseLong(line.replaceFirst("^\\{\"step\":(\\d+),.*$", "$1"))).toList();
        }
    }

    /** Changes one bit in the middle of a file. */
    static void flip(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
    }

    /** Cuts the last bytes off a file. */
    static void truncate(Path file, int bytes) throws IOException {
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length - bytes));
    }

    /** Requires that no temporary file or lock was left in a cache. */
    static void noTemporaries(Path cache) throws IOException {
        assertEquals(List.of(), FolderContents.of(cache).keySet().stream()
                .filter(path -> Path.of(path).getFileName().toString().startsWith(".")).toList());
    }
}
