package org.airelab.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.airelab.base.Hashes;
import org.airelab.base.IoReasons;
import org.airelab.base.Json;

/**
 * The file that makes a folder a checkpoint: what it holds, to the byte. It is the last file written.
 *
 * @param format 1
 * @param step   the checkpoint's step
 * @param files  size and hash by file name
 */
record Marker(int format, long step, TreeMap<String, StoredFile> files) {
    static final String NAME = "COMPLETE.json";
    static final int FORMAT = 1;

    /**
     * A file as it was saved.
     *
     * @param size   in bytes
     * @param sha256 64 lower-case hexadecimal digits
     */
    record StoredFile(long size, String sha256) {
        StoredFile {
            Objects.requireNonNull(sha256);
        }
    }

    String toJson() {
        return Json.pretty(this);
    }

    /**
     * Compares a folder with its marker: names and sizes first, then every byte by its hash.
     *
     * @return why the folder is no whole checkpoint of that step, or empty when it is one
     */
    static Optional<String> refusal(Path folder, long step) {
        try {
            Marker marker = read(folder);
            if (marker.step != step) {
                return Optional.of(NAME + " is of step " + marker.step);
            }
            return marker.files.entrySet().stream().flatMap(file -> wrongSize(folder, file).stream()).findFirst()
                    .or(() -> unexpected(folder, marker.files.keySet()))
                    .or(() -> marker.files.entrySet().parallelStream()
                            .flatMap(file -> wrongContent(folder, file).stream()).findFirst());
        } catch (NoSuchFileException e) {
            return Optional.of("it has no " + NAME);
        } catch (IOException e) {
            return Optional.of(NAME + " could not be read (" + IoReasons.of(e).lines().findFirst().orElse("") + ")");
        }
    }

    private static Marker read(Path folder) throws IOException {
        byte[] bytes = Files.readAllBytes(folder.resolve(NAME));
        Marker marker;
        try {
            marker = Json.MAPPER.readValue(bytes, Marker.class);
        } catch (JsonProcessingException e) {
            throw new IOException("it is not the JSON that was written", e);
        }
        // Only the exact text this class writes is accepted, so that no damage to the marker itself goes unseen.
        if (marker == null || marker.format != FORMAT || marker.files == null || marker.files.containsValue(null)
                || !marker.toJson().equals(new String(bytes, StandardCharsets.UTF_8))) {
            throw new IOException("it is not the JSON that was written");
        }
        return marker;
    }

    private static Optional<String> wrongSize(Path folder, Map.Entry<String, StoredFile> file) {
        try {
            long size = Files.size(folder.resolve(file.getKey()));
            return size == file.getValue().size ? Optional.empty() : Optional.of(
                    file.getKey() + " has " + size + " bytes and was saved with " + file.getValue().size);
        } catch (IOException e) {
            return Optional.of(file.getKey() + " is missing or unreadable (" + IoReasons.of(e) + ")");
        }
    }

    private static Optional<String> wrongContent(Path folder, Map.Entry<String, StoredFile> file) {
        try {
            String found = Hashes.sha256(folder.resolve(file.getKey()));
            String saved = file.getValue().sha256;
            return found.equals(saved) ? Optional.empty() : Optional.of(
                    file.getKey() + " has other bytes than were saved (sha-256 " + found.substring(0, 12)
                            + "... and not " + saved.substring(0, Math.min(12, saved.length())) + "...)");
        } catch (IOException e) {
            return Optional.of(file.getKey() + " could not be read (" + IoReasons.of(e) + ")");
        }
    }

    /** Files that were not saved with it; hidden ones are left to file managers and network file systems. */
    private static Optional<String> unexpected(Path folder, Set<String> saved) {
        try (Stream<Path> files = Files.list(folder)) {
            Set<String> names = new TreeSet<>(files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.startsWith(".") && !name.equals(NAME)).toList());
            names.removeAll(saved);
            return names.isEmpty() ? Optional.empty()
                    : Optional.of("it holds " + names + ", saved with none of that name");
        } catch (IOException e) {
            return Optional.of("its folder could not be listed (" + IoReasons.of(e) + ")");
        }
    }
}
