package org.airelab.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The space under a folder the lab writes to. */
final class DiskCheck implements Check {
    private static final long BYTES_ADVISED = 2L << 30;

    private final String name;
    private final Path folder;
    private final String enables;

    DiskCheck(String name, Path folder, String enables) {
        this.name = name;
        this.folder = folder.toAbsolutePath().normalize();
        this.enables = enables;
    }

    @Override
    public Finding examine(Machine machine) {
        Path existing = folder;
        while (!Files.exists(existing)) {
            existing = existing.getParent();
        }
        try {
            long free = Files.getFileStore(existing).getUsableSpace();
            boolean writable = Files.isWritable(existing);
            Map<String, Object> details = Map.of("path", folder.toString(), "free_bytes", free, "writable", writable);
            String found = MemoryCheck.gibibytes(free) + " free in " + folder;
            if (!writable) {
                return new Finding(name, Status.WARNING, folder + " cannot be written", enables,
                        "Get write permission on " + existing + ", or use another folder.", details);
            }
            return free >= BYTES_ADVISED ? Finding.ok(name, found, enables, details) : new Finding(name,
                    Status.WARNING, found, enables, "Free some space: 2 GiB is soon filled.", details);
        } catch (IOException e) {
            return new Finding(name, Status.WARNING, existing + " cannot be examined: " + e.getMessage(), enables,
                    "Use another folder.", Map.of("path", folder.toString()));
        }
    }
}
