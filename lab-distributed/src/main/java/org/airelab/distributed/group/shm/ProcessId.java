package org.airelab.distributed.group.shm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A process, told apart from later ones with the same number.
 *
 * @param pid       its number
 * @param start     when it started, in clock ticks since the machine did; 0 where the system does not tell
 * @param namespace the space its number is from, a container for example; 0 where the system does not tell
 */
public record ProcessId(long pid, long start, long namespace) {
    /** Fields of {@code /proc/<pid>/stat} after the name of the program, proc(5). */
    private static final int STATE_FIELD = 0;
    private static final int START_FIELD = 19;
    private static final ProcessId SELF = find();

    /** Whether a process has been stopped, as by SIGSTOP, and does nothing; false where the system does not tell. */
    public static boolean stopped(long pid) {
        String[] fields = fields(pid);
        return fields.length > STATE_FIELD && fields[STATE_FIELD].equals("T");
    }

    /** This process. */
    static ProcessId self() {
        return SELF;
    }

    private static ProcessId find() {
        long pid = ProcessHandle.current().pid();
        return new ProcessId(pid, startOf(pid), pidNamespace());
    }

    /** Whether it has ended; of a process of another container, whose number means nothing here, always false. */
    boolean ended() {
        if (namespace != SELF.namespace) {
            return false;
        }
        return start == 0 ? ProcessHandle.of(pid).isEmpty() : startOf(pid) != start;
    }

    /** The start of a running process; 0 when there is none, or nothing is left of it but its exit code. */
    private static long startOf(long pid) {
        String[] fields = fields(pid);
        return fields.length <= START_FIELD || "ZX".contains(fields[STATE_FIELD]) ? 0
                : Long.parseLong(fields[START_FIELD]);
    }

    private static String[] fields(long pid) {
        try {
            String line = Files.readString(Path.of("/proc/" + pid + "/stat"));
            return line.substring(line.lastIndexOf(')') + 2).split(" ");
        } catch (IOException e) {
            return new String[0];
        }
    }

    private static long pidNamespace() {
        try {
            // Such as pid:[4026531836].
            String link = Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
            return Long.parseLong(link.replaceAll("\\D", ""));
        } catch (IOException e) {
            return 0;
        }
    }

    @Override
    public String toString() {
        return "process " + pid;
    }
}
