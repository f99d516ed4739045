package org.airelab.distributed.comm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.airelab.cli.Lab;

/** The ranks from 1 on, as processes of this host that run the same command; they end with this. */
final class OtherRanks implements AutoCloseable {
    private final List<Process> processes = new ArrayList<>();

    /**
     * Starts them.
     *
     * @param ranks     this process's own rank, 0, among them
     * @param arguments of the command line
     */
    OtherRanks(BenchRanks ranks, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Lab.class.getName()));
        command.addAll(arguments);
        try {
            for (int i = 1; i < ranks.size(); i++) {
                ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.INHERIT);
                ranks.tell(builder.environment(), i);
                processes.add(builder.start());
            }
        } catch (IOException e) {
            close();
            throw new UncheckedIOException("the other ranks cannot be started", e);
        }
    }

    /** Waits until all have ended well; false when one has not. */
    boolean ended() throws InterruptedException {
        boolean well = true;
        for (Process process : processes) {
            well &= process.waitFor() == 0;
        }
        return well;
    }

    /** Ends those that still run. */
    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
    }
}
