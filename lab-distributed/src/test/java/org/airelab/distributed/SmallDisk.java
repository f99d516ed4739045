package org.airelab.distributed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** A disk that is soon full: a file system in memory, which only the superuser can mount. */
public record SmallDisk(Path root) implements AutoCloseable {
    /** Mounts one, or skips the test where that is not allowed. */
    public static SmallDisk mount(Path folder, int kibibytes) throws IOException, InterruptedException {
        Files.createDirectory(folder);
        int status = run("mount", "-t", "tmpfs", "-o", "size=" + kibibytes + "k", "tmpfs", folder.toString());
        Assumptions.assumeTrue(status == 0, "no full disk tested: only the superuser can mount a small file system");
        return new SmallDisk(folder);
    }

    /** Makes room, so that there are {@code mebibytes} in all. */
    public void grow(int mebibytes) throws IOException, InterruptedException {
        run("mount", "-o", "remount,size=" + mebibytes + "m", root.toString());
    }

    private static int run(String... command) throws IOException, InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        } catch (IOException e) {
            return -1;
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        run("umount", root.toString());
    }
}
