package org.airelab.distributed.launch;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.airelab.base.UserError;
import org.airelab.distributed.group.shm.ProcessId;

/** A rank as its launcher sees it. */
final class RankProcess {
    private static final int SIGNALLED = 128;
    /** Fewer than those after which the other ranks give one up, and enough to look at a process and let it go on. */
    private static final int STOPPED_SECONDS = 15;
    private static final Map<Integer, String> SIGNALS = Map.of(2, "SIGINT", 4, "SIGILL", 6, "SIGABRT", 7, "SIGBUS",
            8, "SIGFPE", 9, "SIGKILL", 11, "SIGSEGV", 15, "SIGTERM");

    private final int rank;
    private final Process process;
    /** Null where what ranks print is not kept. */
    private final RunFolder run;
    /** Null of rank 0, whose output is the launcher's own. */
    private final RankOutput output;
    private int stoppedSeconds;

    private RankProcess(int rank, Process process, RunFolder run, RankOutput output) {
        this.rank = rank;
        this.process = process;
        this.run = run;
        this.output = output;
    }

    /**
     * Starts a rank. Rank 0 prints where this process prints, another one to its log.
     *
     * @param run the folder for that file; null for none
     */
    static RankProcess start(int rank, List<String> command, RunFolder run,
            Consumer<Map<String, String>> environment) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectInput(Redirect.PIPE);
        environment.accept(builder.environment());
        if (rank == 0) {
            builder.redirectOutput(Redirect.INHERIT).redirectError(Redirect.INHERIT);
            return new RankProcess(rank, builder.start(), run, null);
        }
        Process process = builder.redirectErrorStream(true).start();
        return new RankProcess(rank, process, run, new RankOutput(process.getInputStream(), rank, run));
    }

    Process process() {
        return process;
    }

    /** To be asked every second: whether it has been stopped, as by SIGSTOP, each time for {@link #STOPPED_SECONDS}. */
    boolean standsStill() {
        stoppedSeconds = ProcessId.stopped(process.pid()) ? stoppedSeconds + 1 : 0;
        return stoppedSeconds >= STOPPED_SECONDS;
    }

    /** The exit code of its end; of one that stands still, and has to be killed, that of a loss. */
    int exitCode() {
        return stoppedSeconds >= STOPPED_SECONDS ? UserError.LOST : process.exitValue();
    }

    /** Whether it ended, other than well. */
    boolean failed() {
        return !process.isAlive() && process.exitValue() != 0;
    }

    /** How it failed, in lines for people; none when it has told them itself. */
    List<String> failure() {
        if (stoppedSeconds >= STOPPED_SECONDS) {
            return List.of("error: rank " + rank + " (process " + process.pid() + ") has been stopped for "
                    + STOPPED_SECONDS + " s, as by SIGSTOP");
        }
        int code = process.exitValue();
        boolean signalled = code > SIGNALLED;
        String how = "rank " + rank + (signalled ? " was ended by signal " + signal(code - SIGNALLED)
                : " ended with exit code " + code);
        if (output == null) {
            return signalled ? List.of("error: " + how) : List.of();
        }
        List<String> message = output.message();
        List<String> lines = new ArrayList<>();
        if (!message.isEmpty() && message.getFirst().startsWith(RankOutput.ERROR)) {
            lines.add("error: " + how + ": " + message.getFirst().substring(RankOutput.ERROR.length()));
            lines.addAll(message.subList(1, message.size()));
        } else {
            lines.add("error: " + how);
            message.forEach(line -> lines.add("  " + line));
        }
        if (run != null && Files.exists(run.log(rank))) {
            lines.add("  All it has printed is in " + run.log(rank) + ".");
        }
        return lines;
    }

    private static String signal(int number) {
        return number + (SIGNALS.containsKey(number) ? " (" + SIGNALS.get(number) + ")" : "");
    }
}
