package org.airelab.distributed.group.shm;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.airelab.base.Temporaries;
import org.airelab.base.UserError;

/** A file whose pages several processes have in their memory. */
record SharedFile(Path path, MemorySegment memory) {
    private static final int BLOCK = 1 << 20;

    /** Where files may lie, the best place first: in memory where that can be, else wherever temporary files go. */
    static List<Path> folders() {
        List<Path> folders = new ArrayList<>();
        Path memory = Path.of("/dev/shm");
        if (Files.isWritable(memory)) {
            folders.add(memory);
        }
        folders.add(Path.of(System.getProperty("java.io.tmpdir")));
        return folders;
    }

    /**
     * Makes a file of zeros in the first folder that has room for it. Its name is to be deleted with
     * {@link #deleteName} soon.
     */
    static SharedFile create(List<Path> folders, String name, long bytes, Arena arena) {
        List<String> reasons = new ArrayList<>();
        for (Path folder : folders) {
            Path path = Temporaries.register(folder.resolve(name));
            try (FileChannel channel = FileChannel.open(path, Set.of(StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.READ, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
                reserve(channel, bytes);
                return new SharedFile(path, channel.map(MapMode.READ_WRITE, 0, bytes, arena));
            } catch (IOException e) {
                deleteName(path);
                reasons.add(folder + ": " + e.getMessage());
            }
        }
        throw UserError.machine("there is no room for " + (bytes >> 20) + " MiB that ranks share ("
                + String.join("; ", reasons) + ")",
                "Make room there (a container's /dev/shm grows with --shm-size), or start fewer ranks.");
    }

    /**
     * The same in memory alone, where as much room is left as is taken: others need some. Empty where it cannot be: on
     * a disk, to which the system writes what is changed, a file is slower than memory that nobody shares.
     */
    static Optional<SharedFile> createInMemory(List<Path> folders, String name, long bytes, Arena arena) {
        List<Path> roomy = folders.stream().filter(folder -> hasMemory(folder, bytes)).toList();
        try {
            return roomy.isEmpty() ? Optional.empty() : Optional.of(create(roomy, name, bytes, arena));
        } catch (UserError e) {
            // Somebody else was faster.
            return Optional.empty();
        }
    }

    private static boolean hasMemory(Path folder, long bytes) {
        try {
            FileStore store = Files.getFileStore(folder);
            return store.type().equals("tmpfs") && store.getUsableSpace() / 2 >= bytes;
        } catch (IOException e) {
            return false;
        }
    }

    /** Writes all pages: a page there is no room for would end the process at its first use. */
    private static void reserve(FileChannel channel, long bytes) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(BLOCK, bytes));
        for (long written = 0; written < bytes; ) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), bytes - written));
            written += channel.write(zeros, written);
        }
    }

    /** Opens the file another rank has made; empty where there is none of that name. */
    static Optional<SharedFile> open(List<Path> folders, String name, Arena arena) throws IOException {
        for (Path folder : folders) {
            Path path = folder.resolve(name);
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                return Optional.of(new SharedFile(path, channel.map(MapMode.READ_WRITE, 0, channel.size(), arena)));
            } catch (NoSuchFileException e) {
                // In the next folder, then.
            }
        }
        return Optional.empty();
    }

    /** Removes the name; the memory stays with those who have it. */
    void deleteName() {
        deleteName(path);
    }

    private static void deleteName(Path path) {
        try {
            Temporaries.delete(path);
        } catch (IOException e) {
            // A name more or less harms nobody: the next run's is another one or replaces it.
        }
    }
}
