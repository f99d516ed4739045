package org.airelab.distributed.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.launch.World.Source;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WorldTest {
    private static Map<String, String> variables(String text) {
        Map<String, String> variables = new HashMap<>();
        for (String variable : text.split(" ")) {
            int equals = variable.indexOf('=');
            variables.put(variable.substring(0, equals), variable.substring(equals + 1));
        }
        return variables;
    }

    private static World world(String text) {
        return World.of(variables(text));
    }

    private static void is(World world, Source source, int rank, int size, int localRank, int localSize) {
        assertEquals(source, world.source());
        assertEquals(rank, world.rank());
        assertEquals(size, world.size());
        assertEquals(localRank, world.localRank());
        assertEquals(localSize, world.localSize());
    }

    private static final String MPIRUN = "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1"
            + " OMPI_COMM_WORLD_LOCAL_SIZE=2 PMIX_NAMESPACE=123.1";
    private static final String SRUN = "SLURM_JOB_ID=77 SLURM_STEP_ID=2 SLURM_PROCID=6 SLURM_STEP_NUM_TASKS=7"
            + " SLURM_NTASKS=7 SLURM_LOCALID=0 SLURM_NODEID=3 SLURM_STEP_TASKS_PER_NODE=2(x3),1"
            + " SLURM_STEP_NODELIST=gpu[03-05,9]";

    @Test
    void nobody() {
        World world = World.of(Map.of("HOME", "/", "RANK", "", "WORLD_SIZE", ""));
        is(world, Source.NONE, 0, 1, 0, 1);
        assertTrue(world.alone());
    }

    @Test
    void openMpi() {
        World world = world(MPIRUN);
        is(world, Source.OPEN_MPI, 3, 4, 1, 2);
        assertFalse(world.oneHost());
        assertEquals(Duration.ofSeconds(60), world.startLimit());
        assertEquals(Duration.ofSeconds(20), world("RANK=0 WORLD_SIZE=2").startLimit());
        assertEquals(BackEnd.MPI, BackEnd.of(world, Device.cpu()));
        assertEquals(BackEnd.NCCL, BackEnd.of(world, Device.gpu(1)));
        assertTrue(assertThrows(UserError.class, world::place).getMessage().contains("mpirun has started on several"
                + " hosts do not know where rank 0 is"));
        assertEquals("node-7", world(MPIRUN + " MASTER_ADDR=node-7").place().getHostString());
    }

    @Test
    void pmi() {
        is(world("PMI_RANK=1 PMI_SIZE=3 MPI_LOCALRANKID=0 MPI_LOCALNRANKS=2"), Source.PMI, 1, 3, 0, 2);
        is(world("PMI_RANK=1 PMI_SIZE=3"), Source.PMI, 1, 3, 1, 3);
        is(world("PMI_RANK=6 PMI_SIZE=7 " + SRUN), Source.PMI, 6, 7, 0, 1);
    }

    @Test
    void torchrun() {
        World world = world("RANK=9 WORLD_SIZE=16 LOCAL_RANK=1 LOCAL_WORLD_SIZE=8 MASTER_ADDR=a.b MASTER_PORT=1234");
        is(world, Source.VARIABLES, 9, 16, 1, 8);
        assertEquals(Optional.of("a.b"), world.address());
        assertEquals(1234, world.port());
        assertEquals(BackEnd.MPI, BackEnd.of(world, Device.cpu()));
    }

    @Test
    void rankAndSizeAlone() {
        World world = world("RANK=1 WORLD_SIZE=2");
        is(world, Source.VARIABLES, 1, 2, 1, 2);
        assertEquals(29_500, world.port());
        assertEquals(new InetSocketAddress("127.0.0.1", 29_500), world.place());
        assertEquals(BackEnd.SHM, BackEnd.of(world, Device.cpu()));
        is(world("RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1"), Source.VARIABLES, 1, 2, 1, 2);
        // Kubernetes: one rank a pod, found by its host's name.
        is(world("RANK=1 WORLD_SIZE=2 MASTER_ADDR=job-master-0"), Source.VARIABLES, 1, 2, 0, 1);
    }

    @Test
    void slurm() {
        World world = world(SRUN);
        is(world, Source.SLURM, 6, 7, 0, 1);
        assertEquals(Optional.of("gpu03"), world.address());
        // Of its own, where jobs share a host.
        assertEquals(20_079, world.port());
        assertEquals(20_079, world("PMI_RANK=6 PMI_SIZE=7 " + SRUN).port());
        assertEquals(29_999, world(SRUN.replace("_ID=77", "_ID=129997")).port());
        assertEquals(4444, world(SRUN + " MASTER_PORT=4444").port());
        is(world(SRUN.replace("NODEID=3", "NODEID=2").replace("PROCID=6", "PROCID=5")
                .replace("LOCALID=0", "LOCALID=1")), Source.SLURM, 5, 7, 1, 2);
    }

    @Test
    void batchScriptIsNoTask() {
        assertTrue(world(SRUN.replace("SLURM_STEP_ID=2 ", "")).alone());
        assertTrue(world(SRUN.replace("SLURM_STEP_ID=2 ", "SLURM_STEP_ID=4294967290 ")).alone());
    }

    @Test
    void othersRunInSlurmsSteps() {
        is(world(SRUN + " " + MPIRUN), Source.OPEN_MPI, 3, 4, 1, 2);
        is(world(SRUN + " RANK=0 WORLD_SIZE=2"), Source.VARIABLES, 0, 2, 0, 2);
    }

    @ParameterizedTest
    @CsvSource({"gpu[03-05;9],gpu03", "a;b,a", "alone,alone", "a;b[1-2],a", "n[7],n7", "n[01;03],n01"})
    void firstHost(String list, String first) {
        assertEquals(first, SlurmLists.firstHost(list.replace(';', ',')));
    }

    private static void wrong(String variables, String sentence) {
        UserError error = assertThrows(UserError.class, () -> world(variables));
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertTrue(error.getMessage().contains(sentence), error.getMessage());
    }

    /** Ranks whose launcher means to say more than it does would each train alone. */
    @Test
    void halfOfTheVariables() {
        wrong("RANK=1", "RANK is set and WORLD_SIZE is not, or is empty");
        wrong("RANK=1 WORLD_SIZE=", "RANK is set and WORLD_SIZE is not, or is empty");
        wrong("WORLD_SIZE=2", "WORLD_SIZE is set and RANK is not, or is empty");
        is(world(SRUN + " WORLD_SIZE=7"), Source.SLURM, 6, 7, 0, 1);
    }

    @Test
    void gpus() {
        String two = SRUN.replace("NODEID=3", "NODEID=2").replace("LOCALID=0", "LOCALID=1");
        assertEquals(1, world(two).gpu(2, false));
        assertEquals(0, world(two).gpu(1, false));
        assertTrue(world(two).seesOwnGpuAlone(1));
        assertEquals(0, world(MPIRUN).gpu(1, false));
        assertEquals(1, world("RANK=1 WORLD_SIZE=2").gpu(2, false));
        assertFalse(world(SRUN).seesOwnGpuAlone(1));
    }

    /** Ranks that may share GPUs have them by turns. */
    @ParameterizedTest
    @CsvSource({"0,2,1,0", "1,2,1,0", "1,2,2,1", "3,4,2,1", "1,2,8,1"})
    void sharedGpus(int rank, int size, int visible, int gpu) {
        assertEquals(gpu, world("RANK=" + rank + " WORLD_SIZE=" + size).gpu(visible, true));
    }

    /** All of the host's ranks refuse, and say why in the same words. */
    @ParameterizedTest
    @CsvSource({"0,8,4", "7,8,4", "0,2,1"})
    void ranksThatNobodyHasBoundAreAsManyAsGpus(int rank, int size, int visible) {
        UserError error = assertThrows(UserError.class,
                () -> world("RANK=" + rank + " WORLD_SIZE=" + size).gpu(visible, false));
        assertEquals("there are to be " + size + " ranks on this host, a GPU each, and it has " + visible + ".",
                error.getMessage());
        assertEquals(UserError.MACHINE, error.exitCode());
        assertTrue(error.advice().contains("or let them share those it has: --backend shm."), error.advice());
    }

    /** Shared memory of several hosts is refused before ranks wait for each other in vain. */
    @Test
    void sharedMemoryIsOfOneHost() {
        UserError error = assertThrows(UserError.class, () -> BackEnd.SHM.join(world(MPIRUN), Limits.DEFAULT));
        assertEquals("shm is the memory of one host, and this one has 2 of the run's 4 ranks.", error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }

    @Test
    void ncclIsOfGpus() {
        UserError error = assertThrows(UserError.class,
                () -> BackEnd.NCCL.join(world("RANK=0 WORLD_SIZE=2"), Device.cpu(), Limits.DEFAULT));
        assertEquals("nccl exchanges arrays of GPUs, and this run's are the CPU's.", error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }

    @Test
    void contradictions() {
        wrong(MPIRUN + " RANK=0 WORLD_SIZE=4", "this is rank 3 of 4 by mpirun and rank 0 of 4 by the"
                + " variables RANK and WORLD_SIZE");
        wrong(MPIRUN + " PMI_RANK=3 PMI_SIZE=5", "rank 3 of 5");
        is(world(MPIRUN + " RANK=3 WORLD_SIZE=4"), Source.OPEN_MPI, 3, 4, 1, 2);
    }

    @Test
    void impossible() {
        wrong("RANK=2 WORLD_SIZE=2", "the rank is 2 of 2, expected 0 to 1");
        wrong("RANK=0 WORLD_SIZE=2 LOCAL_RANK=4 LOCAL_WORLD_SIZE=2", "the rank on this host is 4 of 2");
        wrong("RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=4", "this host has 4 ranks of a run of 2");
        wrong("RANK=one WORLD_SIZE=2", "RANK must be a whole number from 0, found 'one'");
        wrong("RANK=-1 WORLD_SIZE=2", "RANK must be a whole number from 0, found '-1'");
        wrong(SRUN.replace("2(x3),1", "2(y3)"), "SLURM_STEP_TASKS_PER_NODE");
    }

    @Test
    void toldByTheLab() {
        Map<String, String> environment = variables(MPIRUN + " PMI_RANK=0 PMI_SIZE=1 HOME=/home");
        World.tell(environment, 1, 2, "lab-5-0", 4444);
        World world = World.of(environment);
        is(world, Source.VARIABLES, 1, 2, 1, 2);
        assertEquals(4444, world.port());
        assertEquals("/home", environment.get("HOME"));
        World.tell(environment, 0, 2, "lab-5-1", 4444);
        assertNotEquals(world.name(), World.of(environment).name());
        assertTrue(world.name().matches("[A-Za-z0-9-]+"), world.name());
    }
}
