package org.airelab.distributed.group.nccl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.file.Path;
import org.airelab.base.UserError;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link NcclGroup} among threads of a JVM whose driver and NCCL are fakes: each scenario in a JVM of its own. */
class NcclGroupTest {
    @TempDir
    private static Path folder;

    @BeforeAll
    static void compile() throws Exception {
        FakeNccl.compile(folder);
    }

    private static void scenario(String... arguments) throws Exception {
        String output = FakeNccl.run(folder, NcclScenario.class, arguments);
        assertTrue(output.endsWith("all well\n"), output);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void everyCollective(int size) throws Exception {
        scenario("collectives", Integer.toString(size));
    }

    @ParameterizedTest
    @CsvSource({"streams", "split", "different", "message", "late", "leaves", "dies", "stopped",
        "stoppedUnawaited", "diedUnawaited", "abort", "asyncError", "idle", "init", "start", "sameGpu"})
    void scenarios(String name) throws Exception {
        scenario(name);
    }

    @Test
    void bench() throws Exception {
        String output = FakeNccl.run(folder, NcclScenario.class, "bench");
        assertTrue(output.contains("nccl 2.23.4 on Fake 0, 1 rank, which exchanges nothing: every collective is right"
                + " in float32, bfloat16, float16 and int64\n"), output);
        assertEquals(4 * 2, output.lines().filter(line -> line.matches("[a-z-]+ +\\d+ .*")).count(), output);
    }

    @Test
    void moreRanksThanDevices() throws Exception {
        String output = FakeNccl.run(folder, NcclScenario.class, "crowd");
        assertTrue(output.contains("there are to be 9 ranks on this host, a GPU each, and it has 8"), output);
        assertTrue(output.contains("or let them share those it has: --backend shm."), output);
    }

    @Test
    void noLibrary() {
        assumeFalse(NcclGroup.available(), "SKIPPED: NCCL is installed");
        UserError error = assertThrows(UserError.class, () -> NcclGroup.join(null, 0, 1, null, () -> 0, null));
        assertEquals("NCCL's library libnccl.so.2 was not found.", error.getMessage());
        assertEquals(UserError.MACHINE, error.exitCode());
    }
}
