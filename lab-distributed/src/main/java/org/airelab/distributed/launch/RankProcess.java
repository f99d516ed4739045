package org.airelab.distributed.launch;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.Map;

/** A rank as its launcher sees it. */
final class RankProcess {
    private static final int SIGNALLED = 128;
    private static final Map<Integer, String> SIGNALS = Map.of(2, "SIGINT", 4, "SIGILL", 6, "SIGABRT", 7, "SIGBUS",
            8, "SIGFPE", 9, "SIGKILL", 11, "SIGSEGV", 15, "SIGTERM");

    private final int rank;
    private final Process process;
    /** Null of rank 0, whose output is the launcher's own. */
    private final RankOutput output;

    private RankProcess(int rank, Process process, RankOutput output) {
        this.rank = rank;
        this.process = process;
        this.output = output;
    }

    /**
     * Starts a rank. Rank 0 prints where this process prints, another one to {@code rank-N.log}.
     *
     * @param run the folder for that file
     */
    static RankProcess start(int rank, List<String> command, Path run, Consumer<Map<String, String>> environment)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectInput(Redirect.PIPE);
        environment.accept(builder.environment());
        if (rank == 0) {
            builder.redirectOutput(Redirect.INHERIT).redirectError(Redirect.INHERIT);
            return new RankProcess(rank, builder.start(), null);
        }
        Process process = builder.redirectErrorStream(true).start();
        return new RankProcess(rank, process, new RankOutput(process.getInputStream(), log(run, rank)));
    }

    static Path log(Path run, int rank) {
        return run.resolve("rank-" + rank + ".log");
    }

    int rank() {
        return rank;
    }

    Process process() {
        return process;
    }

    /** Whether it ended, other than well. */
    boolean failed() {
        return !process.isAlive() && process.exitValue() != 0;
    }

    /** How it failed, in lines for people; none when it has told them itself. */
    List<String> failure(Path run) {
        int code = process.exitValue();
        String how = code > SIGNALLED ? "was ended by signal " + (code - SIGNALLED)
                + (SIGNALS.containsKey(code - SIGNALLED) ? " (" + SIGNALS.get(code - SIGNALLED) + ")" : "")
                : "ended with exit code " + code;
        if (output == null) {
            return code > SIGNALLED ? List.of("error: rank 0 " + how) : List.of();
        }
        List<String> message = output.message();
        String log = "  All it has printed is in " + log(run, rank) + ".";
        if (message.isEmpty() || !message.getFirst().startsWith("error: ")) {
            return lines("error: rank " + rank + " " + how, message.stream().map(line -> "  " + line).toList(), log);
        }
        return lines("error: rank " + rank + " " + how + ": " + message.getFirst().substring("error: ".length()),
                message.subList(1, message.size()), log);
    }

    private static List<String> lines(String first, List<String> middle, String last) {
        return java.util.stream.Stream.of(List.of(first), middle, List.of(last)).flatMap(List::stream).toList();
    }
}
