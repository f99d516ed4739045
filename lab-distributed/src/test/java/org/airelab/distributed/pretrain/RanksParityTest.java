package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.airelab.distributed.group.mpi.MpiGroup;
import org.airelab.distributed.mesh.MeshShape;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** 50 steps of a small Llama by several ranks are those of one. */
class RanksParityTest {
    @TempDir
    static Path folder;
    private static Ranks ranks;
    private static Path one;

    @BeforeAll
    static void oneRank() throws Exception {
        ranks = new Ranks(folder, folder.resolve("cache"));
        one = ranks.finish("one");
    }

    @Test
    void two() throws Exception {
        // Buckets far smaller than the model, so that there are some.
        Path two = ranks.finish("two", "--nproc", "2", "--bucket-mb", "0.01", "--check-every", "10");
        Ranks.requireSame(one, two);
        assertTrue(Files.readString(two.resolve("rank-1.log")).contains("rank 1 is done"));
        assertTrue(Files.readString(two.resolve("manifest.json")).contains("\"devices\": 2"));
    }

    @Test
    void four() throws Exception {
        Ranks.requireSame(one, ranks.finish("four", "--nproc", "4", "--check-every", "1"));
    }

    @Test
    void naive() throws Exception {
        Ranks.requireSame(one, ranks.finish("naive", "--nproc", "2", "--gradients", "naive"));
    }

    /** What two ranks that divide gradients have saved, four go on with that divide weights, too. */
    @Test
    void zeroWithOtherRanks() throws Exception {
        Ranks.Started two = ranks.start("zero", "--nproc", "2", "--zero", "2");
        two.await(() -> Files.exists(FolderContents.checkpoint(two.run(), 20)), "the second checkpoint");
        two.process().destroy();
        two.process().waitFor();
        Path four = ranks.finish("zero", "--nproc", "4", "--zero", "3", "--resume");
        Ranks.requireSame(one, four);
        assertEquals(Ranks.losses(one, "val_loss")[1], Ranks.losses(four, "val_loss")[1], 1e-5);
    }

    /** Samples, layers and stages divided at once; resumed with each sequence divided. */
    @Test
    void meshes() throws Exception {
        Ranks.Started four = ranks.start("mesh", "--mesh", "dp=2,tp=2", "--sequence-parallel", "--check-every", "10",
                "--kernels", "ours");
        four.await(() -> Files.exists(FolderContents.checkpoint(four.run(), 20)), "the second checkpoint");
        four.process().destroy();
        four.process().waitFor();
        Ranks.requireSame(one, ranks.finish("mesh", "--nproc", "2", "--mesh", "cp=2", "--kernels", "ours",
                "--resume"));
    }

    /** The whole program; of what all other meshes compute through MPI {@code MpiParityTest} is the proof. */
    @ParameterizedTest
    @ValueSource(strings = {"dp=2", "dp=2 --zero 3", "tp=2,pp=2"})
    void mpirun(String options) throws Exception {
        assumeTrue(MpiGroup.available(), "MPI is not tested: Open MPI (Debian: openmpi-bin) is not installed");
        String mesh = options.split(" ")[0];
        String size = Integer.toString(MeshShape.parse(mesh, OptionalInt.empty()).ranks());
        Ranks.Started started = ranks.start("mpi-" + options.replaceAll("\\W", ""), List.of("mpirun",
                "--oversubscribe", "-n", size), mayBeRoot(), ("--mesh " + options).split(" "));
        assertEquals(0, started.exitCode(), started::text);
        Ranks.requireSame(one, started.run());
        assertEquals(mesh.contains("pp"), started.text().contains("waited for other stages"), started::text);
        assertEquals(mesh.contains("pp") ? Ranks.STEPS : 0, Ranks.losses(started.run(), "communication_wait").length);
        assertEquals(mesh.contains("pp"), started.text().contains(" MB on a rank, the most on rank "), started::text);
    }

    /** Containers run tests as the superuser, of whom mpirun expects that it was meant. */
    private static Map<String, String> mayBeRoot() {
        return Map.of("OMPI_ALLOW_RUN_AS_ROOT", "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    }

    @Test
    void variablesAlone() throws Exception {
        Ranks.Started second = ranks.start("plain", List.of(), Map.of("RANK", "1", "WORLD_SIZE", "2",
                "MASTER_PORT", "29123"));
        Ranks.Started first = ranks.start("plain", List.of(), Map.of("RANK", "0", "WORLD_SIZE", "2",
                "MASTER_PORT", "29123"));
        assertEquals(0, first.exitCode(), first::text);
        assertEquals(0, second.exitCode(), second::text);
        Ranks.requireSame(one, first.run());
    }
}
