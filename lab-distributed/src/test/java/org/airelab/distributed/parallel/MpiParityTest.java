package org.airelab.distributed.parallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.airelab.distributed.JavaCommand;
import org.airelab.distributed.group.mpi.MpiGroup;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** 50 steps of a small Llama by ranks that a real {@code mpirun} starts, on every mesh, are those of one rank. */
class MpiParityTest {
    private static final List<String> WAYS = List.of("dp=2", "dp=4", "dp=2 z1", "dp=2 z2", "dp=2 z3", "tp=2",
            "pp=2 afab", "pp=2 1f1b", "pp=2 interleaved", "cp=2", "dp=2,tp=2", "tp=2,pp=2");

    @TempDir
    private static Path folder;
    private static double[] losses;
    private static Map<String, float[]> weights;

    /** One rank's training, and one job's in all ways. */
    @BeforeAll
    static void train() throws Exception {
        assumeTrue(MpiGroup.available(), "MPI is not tested: Open MPI (Debian: openmpi-bin) is not installed");
        Path log = folder.resolve("log.txt");
        Process job = mpirun(log).start();
        try {
            Path one = folder.resolve("one");
            losses = MeshTraining.train(Ranks.alone(Device.cpu()), one, 0, MeshTraining.STEPS)[0];
            weights = MeshTraining.weights(one);
            assertTrue(job.waitFor(5, TimeUnit.MINUTES), "it hangs");
        } finally {
            job.destroyForcibly();
        }
        assertEquals(0, job.exitValue(), Files.readString(log));
    }

    private static ProcessBuilder mpirun(Path log) {
        List<String> arguments = new ArrayList<>(List.of(folder.toString()));
        arguments.addAll(WAYS);
        List<String> command = new ArrayList<>(
                List.of("mpirun", "--oversubscribe", "-n", Integer.toString(MpiMeshes.RANKS)));
        command.addAll(JavaCommand.of(MpiMeshes.class, List.of(), arguments.toArray(String[]::new)));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        // Containers run tests as the superuser, of whom mpirun expects that it was meant.
        builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT", "1");
        builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        return builder;
    }

    @ParameterizedTest
    @FieldSource("WAYS")
    void isTheTrainingOfOneRank(String way) throws Exception {
        assertTrue(losses[MeshTraining.STEPS - 1] < losses[0] - 0.5, "it learns");
        Path run = MpiMeshes.run(folder, way);
        assertArrayEquals(losses, MpiMeshes.losses(run), 1e-5);
        Map<String, float[]> found = MeshTraining.weights(run);
        assertEquals(weights.keySet(), found.keySet());
        weights.forEach((name, values) -> assertArrayEquals(values, found.get(name), 1e-4f, name));
    }
}
