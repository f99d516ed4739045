package org.airelab.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.airelab.checkpoint.CheckpointStore.FileWriter;

/** Files that are hashed while they are written. */
final class HashedFiles {
    private HashedFiles() {
    }

    /** Writes files into a folder in the map's order, forced to the disk; gives their sizes and hashes. */
    static Map<String, Marker.StoredFile> write(Path folder, Map<String, FileWriter> files)
            throws IOException {
        Map<String, Marker.StoredFile> stored = new TreeMap<>();
        try (ExecutorService hasher = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("checkpoint-hash").factory())) {
            for (Map.Entry<String, FileWriter> file : files.entrySet()) {
                try (FileChannel channel = FileChannel.open(folder.resolve(file.getKey()),
                        StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                    HashingChannel hashing = new HashingChannel(channel, hasher);
                    file.getValue().write(hashing);
                    stored.put(file.getKey(), hashing.finish());
                    channel.force(true);
                }
            }
        }
        return stored;
    }
}
