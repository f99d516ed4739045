package org.airelab.distributed.group;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.stream.LongStream;

/** The cores a process may run on: of its host, or of its container, and fewer where its launcher has bound it. */
public final class AllowedCores {
    private static final String KEY = "Cpus_allowed_list:";

    private AllowedCores() {
    }

    /** A number of this process's cores: processes have the same one that may run on the same cores of one host. */
    public static long id() {
        return id(host(), text("/proc/self/status"));
    }

    /** What the processes of a host, or of a container, have in common, and no others. */
    public static String host() {
        return text("/proc/sys/kernel/hostname") + text("/proc/sys/kernel/random/boot_id");
    }

    /**
     * The same from what the system says.
     *
     * @param host   another one on another host, and in another container
     * @param status proc(5)'s {@code /proc/self/status}; without it all of a host's processes have the same cores
     */
    static long id(String host, String status) {
        String cores = status.lines().filter(line -> line.startsWith(KEY)).findFirst().orElse("");
        return UUID.nameUUIDFromBytes((host + cores).getBytes(StandardCharsets.UTF_8)).getMostSignificantBits();
    }

    private static String text(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            return "";
        }
    }

    /** How many of some ranks, given their numbers, may run on the cores of one of them, which counts too. */
    public static int sharers(long one, LongStream all) {
        return (int) all.filter(id -> id == one).count();
    }
}
