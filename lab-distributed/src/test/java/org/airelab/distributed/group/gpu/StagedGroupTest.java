package org.airelab.distributed.group.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.airelab.cli.Lab;
import org.airelab.distributed.JavaCommand;
import org.airelab.distributed.group.mpi.MpiGroup;
import org.airelab.distributed.group.nccl.FakeNccl;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@link StagedGroup} among threads, and processes, that share the one GPU of a fake driver, whose memory the host dies
 * of when it reads it: each scenario in a JVM of its own.
 */
class StagedGroupTest {
    private static final String[] BENCH = {"comm-bench", "--device", "cuda", "--sizes", "1k", "--warmup", "0"};

    @TempDir
    private static Path folder;

    @BeforeAll
    static void compile() throws Exception {
        FakeNccl.compile(folder);
    }

    private static void scenario(String... arguments) throws Exception {
        String output = FakeNccl.run(folder, 1,
                JavaCommand.of(StagedScenario.class, List.of("-XX:TieredStopAtLevel=1"), arguments));
        assertTrue(output.endsWith("all well\n"), output);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void everyCollective(int size) throws Exception {
        scenario("collectives", Integer.toString(size));
    }

    @ParameterizedTest
    @ValueSource(strings = {"portions", "before", "after", "order", "ways", "different", "memory", "abort"})
    void scenarios(String name) throws Exception {
        scenario(name);
    }

    private static String bench(List<String> launcher, String... more) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(BENCH));
        arguments.addAll(List.of(more));
        List<String> command = new ArrayList<>(launcher);
        command.addAll(JavaCommand.of(Lab.class, List.of("-XX:TieredStopAtLevel=1"), arguments.toArray(String[]::new)));
        return FakeNccl.run(folder, 1, command);
    }

    private static void requireAll(String output) {
        // Five collectives: what the host's memory itself can do is not asked of the GPU's.
        assertEquals(5, output.lines().filter(line -> line.matches("[a-z-]+ +\\d+ .*")).count(), output);
    }

    @Test
    void processes() throws Exception {
        String output = bench(List.of(), "--backend", "shm", "--ranks", "2");
        assertTrue(output.contains("shm on Fake 0, 2 ranks: every collective is right in"), output);
        requireAll(output);
    }

    @Test
    void processesOfMpi() throws Exception {
        assumeTrue(MpiGroup.available(), "MPI is not tested: Open MPI (Debian: openmpi-bin) is not installed");
        String output = bench(List.of("mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2"), "--backend",
                "mpi");
        assertTrue(output.contains("mpi on Fake 0, 2 ranks: every collective is right in"), output);
        requireAll(output);
    }
}
