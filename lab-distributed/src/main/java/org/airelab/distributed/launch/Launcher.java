package org.airelab.distributed.launch;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.airelab.base.ShutdownHook;
import org.airelab.base.UserError;

/**
 * Starts a run's ranks as processes of this host and stays until all have ended. When one fails, or is stopped, the
 * others are ended, and its own message is shown; then the run may be started again from its last checkpoint.
 */
public final class Launcher {
    /** For ranks that fail together to say so themselves, before those left are ended. */
    private static final Duration OWN_END = Duration.ofSeconds(1);
    /** For the rank that has failed to come to its end, where others have ended first, which it has told. */
    private static final Duration TOLD_END = Duration.ofSeconds(6);
    /** From SIGTERM to SIGKILL. */
    private static final Duration ORDERLY_END = Duration.ofSeconds(5);

    private final Plan plan;
    private volatile List<RankProcess> ranks = List.of();
    private volatile boolean ending;

    /**
     * What to start.
     *
     * @param ranks    processes
     * @param restarts at most, after failures
     * @param run      the run's folder, into which the logs of ranks from 1 on go; null where there is none
     * @param main     the class to run, with this JVM's options and class path
     * @param first    its arguments
     * @param again    its arguments after a failure of a run that had begun
     * @param farewell said after the last rank has ended where this process, the launcher, is interrupted
     */
    public record Plan(int ranks, int restarts, RunFolder run, Class<?> main, List<String> first, List<String> again,
            Runnable farewell) {
    }

    private Launcher(Plan plan) {
        this.plan = plan;
    }

    /** Runs to the end; the exit code of the rank that failed first, else 0. */
    public static int run(Plan plan) throws IOException, InterruptedException {
        return new Launcher(plan).run();
    }

    private int run() throws IOException, InterruptedException {
        try (ShutdownHook end = new ShutdownHook("end-ranks", this::end)) {
            for (int attempt = 0;; attempt++) {
                int code = run(attempt);
                if (code == 0 || attempt == plan.restarts || !mayHelp(code) || ending) {
                    return code;
                }
                System.err.printf("restarting all ranks, from the last checkpoint if there is one (%d of %d)%n",
                        attempt + 1, plan.restarts);
            }
        } finally {
            endAll();
        }
    }

    private void end() {
        ending = true;
        endAll();
        plan.farewell.run();
    }

    /**
     * Whether to start again may end otherwise: wrong input stays wrong, what the machine lacks it still lacks, and a
     * run that has diverged diverges again.
     */
    private static boolean mayHelp(int code) {
        return code != UserError.FAILED && code != UserError.BAD_INPUT && code != UserError.MACHINE;
    }

    private int run(int attempt) throws IOException, InterruptedException {
        BlockingQueue<RankProcess> ended = new LinkedBlockingQueue<>();
        start(attempt, ended);
        RankProcess first = firstToFail(ended);
        if (first == null) {
            return 0;
        }
        if (first.process().isAlive()) {
            // It is stopped, and ends by nothing less.
            first.process().destroyForcibly();
        }
        awaitEnds(OWN_END);
        if (ranks.stream().filter(RankProcess::failed).allMatch(rank -> rank.exitCode() == UserError.LOST)) {
            awaitEnds(TOLD_END);
        }
        // So those end that have only noticed that another one failed.
        RankProcess failed = ranks.stream().filter(rank -> rank.failed()
                && rank.exitCode() != UserError.LOST).findFirst().orElse(first);
        endAll();
        if (!ending) {
            failed.failure().forEach(System.err::println);
        }
        return failed.exitCode();
    }

    private void awaitEnds(Duration time) throws InterruptedException {
        long deadline = System.nanoTime() + time.toNanos();
        for (RankProcess rank : ranks) {
            rank.process().waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        }
    }

    /** Waits for a rank that fails, or stands still; null when all have ended well. */
    private RankProcess firstToFail(BlockingQueue<RankProcess> ended) throws InterruptedException {
        for (int left = plan.ranks; left > 0; ) {
            RankProcess rank = ended.poll(1, TimeUnit.SECONDS);
            if (rank != null && rank.failed()) {
                return rank;
            }
            if (rank != null) {
                left--;
                continue;
            }
            // Each is to be asked.
            List<RankProcess> still = ranks.stream().filter(RankProcess::standsStill).toList();
            if (!still.isEmpty()) {
                return still.getFirst();
            }
        }
        return null;
    }

    private void start(int attempt, BlockingQueue<RankProcess> ended) throws IOException {
        String name = "lab-" + ProcessHandle.current().pid() + "-" + attempt;
        int port = freePort();
        List<String> arguments = attempt > 0 && plan.run != null && plan.run.begun() ? plan.again : plan.first;
        List<RankProcess> started = new ArrayList<>();
        for (int i = 0; i < plan.ranks && !ending; i++) {
            int rank = i;
            RankProcess process = RankProcess.start(rank, command(rank, arguments), plan.run,
                    environment -> World.tell(environment, rank, plan.ranks, name, port));
            started.add(process);
            ranks = List.copyOf(started);
            process.process().onExit().thenRun(() -> ended.add(process));
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** This JVM's own command, with other arguments. */
    private List<String> command(int rank, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // Only rank 0 may find that it writes to a terminal.
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> rank == 0 || !option.endsWith("=terminal")).forEach(command::add);
        command.add("-XX:ParallelGCThreads=" + Cores.share(Runtime.getRuntime().availableProcessors(), plan.ranks));
        command.add("-D" + LauncherWatch.PROPERTY + "=" + ProcessHandle.current().pid());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), plan.main.getName()));
        command.addAll(arguments);
        return command;
    }

    /** Ends the ranks that have not ended: politely, then, after some time, at once. */
    private void endAll() {
        List<Process> alive = ranks.stream().map(RankProcess::process).filter(Process::isAlive).toList();
        alive.forEach(Process::destroy);
        long deadline = System.nanoTime() + ORDERLY_END.toNanos();
        for (Process process : alive) {
            try {
                if (!process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    process.destroyForcibly().waitFor();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
            }
        }
    }
}
