package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.airelab.cli.Lab;
import org.airelab.data.DataPreparation;
import org.airelab.distributed.JavaCommand;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ranks that a real Slurm of one machine starts are those of one rank, and a job that is started again goes on. */
@Tag("slow")
class SlurmTest {
    @TempDir
    static Path folder;
    private static Ranks ranks;
    private static Path one;

    @BeforeAll
    static void oneRank() throws Exception {
        for (String program : List.of("slurmctld", "slurmd", "srun", "munged")) {
            assumeTrue(Stream.of("/usr/bin", "/usr/sbin").anyMatch(bin -> Files.isExecutable(Path.of(bin, program))),
                    "Slurm is not tested: " + program
                            + " is not installed (Debian: slurmctld slurmd slurm-client munge)");
        }
        ranks = new Ranks(folder, folder.resolve("cache"));
        one = ranks.finish("one");
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** The command that runs what is behind it under a Slurm of its own. */
    private static List<String> slurm(String name, String... command) throws Exception {
        Path script = Path.of(SlurmTest.class.getResource("one-machine-slurm.sh").toURI());
        List<String> words = new ArrayList<>(List.of("bash", script.toString(), folder.resolve(name).toString(),
                Integer.toString(freePort()), Integer.toString(freePort())));
        words.addAll(List.of(command));
        return words;
    }

    @Test
    void srun() throws Exception {
        Ranks.Started started = ranks.start("srun", slurm("slurm-srun", "srun", "-n", "2"), Map.of());
        assertEquals(0, started.exitCode(), started::text);
        Ranks.requireSame(one, started.run());
        assertTrue(started.text().contains("rank 1 is done"), started.text());
    }

    /** The job in deploy/slurm, started again in the middle of its run, as after a preemption. */
    @Test
    void batchJobStartedAgain() throws Exception {
        List<String> java = JavaCommand.of(Lab.class, List.of("-D" + DataPreparation.CACHE_PROPERTY + "="
                + folder.resolve("cache")));
        Path lab = Files.writeString(folder.resolve("lab"), "#!/usr/bin/env bash\nexec '" + String.join("' '", java)
                + "' \"$@\"\n");
        assertTrue(lab.toFile().setExecutable(true));
        String[] pretrain = ranks.arguments("unused");
        Path config = Path.of(pretrain[List.of(pretrain).indexOf("--config") + 1]);
        Path run = folder.resolve("batch");
        Path log = folder.resolve("batch.log");
        // As much as a person would do: send it, and, after some steps, take it from its host.
        Path session = Files.writeString(folder.resolve("session.sh"), """
                set -e
                job=$(sbatch --parsable --ntasks-per-node=2 --gres=none --cpus-per-task=1 --output=%s \\
                    deploy/slurm/pretrain.sbatch --config %s)
                until grep -q '"step":2[1-9],' %s/metrics.jsonl 2> /dev/null; do sleep 0.02; done
                scontrol requeue $job
                sleep 1
                scontrol update jobid=$job starttime=now
                while squeue --noheader --job $job 2> /dev/null | grep -q .; do sleep 0.2; done
                """.formatted(log, config, run));
        ProcessBuilder builder = new ProcessBuilder(slurm("slurm-batch", "bash", session.toString()))
                .redirectErrorStream(true).redirectOutput(folder.resolve("session.log").toFile());
        builder.environment().putAll(Map.of("LAB", lab.toString(), "RUN", run.toString(), "OMP_WAIT_POLICY",
                "PASSIVE"));
        Ranks.Started started = new Ranks.Started(builder.start(), log, run);
        assertEquals(0, started.exitCode(), () -> started.text() + Ranks.newestStep(run));
        assertTrue(started.text().contains("rank 1 of 2 begins after step 20"), started.text());
        Ranks.requireSame(one, run);
    }
}
