package org.airelab.distributed.launch;

import ai.djl.Device;
import ai.djl.engine.Engine;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Limits;
import org.airelab.torch.Devices;

/**
 * Which of a run's ranks this process is, as the launcher that has started it says in its environment.
 *
 * @param rank      of this process, from 0
 * @param size      the number of ranks
 * @param localRank of this process among those of its host, from 0
 * @param localSize the number of ranks of this host
 * @param address   of rank 0's host, where that is known
 * @param port      on which rank 0 may be asked
 * @param name      of the run: the same for all its ranks, and of no other run on the host
 * @param source    who says so
 */
public record World(int rank, int size, int localRank, int localSize, Optional<String> address, int port, String name,
        Source source) {
    /** Who starts ranks. */
    public enum Source {
        /** Nobody has: the process is the only one. */
        NONE("no launcher"),
        /** Open MPI's {@code mpirun}. */
        OPEN_MPI("mpirun"),
        /** A launcher that speaks PMI: MPICH's {@code mpiexec}, {@code srun --mpi=pmi2}. */
        PMI("a launcher with PMI"),
        /** {@code torchrun}, this lab, Kubernetes' training operators, or a person by hand. */
        VARIABLES("the variables RANK and WORLD_SIZE"),
        /** Slurm's {@code srun}. */
        SLURM("srun");

        private final String words;

        Source(String words) {
            this.words = words;
        }

        @Override
        public String toString() {
            return words;
        }
    }

    /** torchrun's default. */
    private static final int DEFAULT_PORT = 29_500;

    public World {
        within("the rank", rank, size);
        within("the rank on this host", localRank, localSize);
        if (localSize > size) {
            throw wrong("this host has " + localSize + " ranks of a run of " + size);
        }
    }

    private static void within(String what, int rank, int size) {
        if (rank < 0 || rank >= size) {
            throw wrong(what + " is " + rank + " of " + size + ", expected 0 to " + (size - 1));
        }
    }

    private static UserError wrong(String what) {
        return UserError.badInput("the launcher's variables are wrong: " + what + ".",
                "Correct the variables, or unset them and let the lab start the ranks: --nproc N.");
    }

    /**
     * Reads an environment. Of the launchers that have set all they set, the first one counts: Open MPI, PMI, RANK and
     * WORLD_SIZE, Slurm. Slurm comes last, and may say other things, because others' ranks often run inside its steps.
     *
     * @throws UserError (bad input) when the others contradict each other or say what cannot be, and when nobody says
     *                   more than one of RANK and WORLD_SIZE
     */
    public static World of(Map<String, String> environment) {
        var variables = new Variables(environment);
        List<World> said = Stream.of(openMpi(variables), pmi(variables), variables(variables))
                .flatMap(Optional::stream).toList();
        for (World other : said) {
            World first = said.getFirst();
            if (other.rank != first.rank || other.size != first.size) {
                throw wrong("this is rank " + first.rank + " of " + first.size + " by " + first.source + " and rank "
                        + other.rank + " of " + other.size + " by " + other.source);
            }
        }
        return said.isEmpty() ? slurm(variables).orElseGet(() -> alone(variables)) : said.getFirst();
    }

    /** Whether there are no other ranks. */
    public boolean alone() {
        return size == 1;
    }

    /**
     * How long its ranks wait for each other to start, where nothing else is asked for: those of one host are started
     * together, and one that fails then is missed within half a minute; on several hosts a person does it, or a queue.
     */
    public Duration startLimit() {
        return oneHost() ? Duration.ofSeconds(20) : Limits.DEFAULT.start();
    }

    /** Whether all ranks are on this host. */
    public boolean oneHost() {
        return localSize == size;
    }

    /**
     * A device as {@link Devices#parse} reads it; where any GPU will do, the host's ranks have one each, as far as they
     * go round.
     *
     * @param shared whether several ranks may have one
     */
    public Device device(String name, boolean shared) {
        Device device = Devices.parse(name);
        return device.isGpu() && localSize > 1 && !name.contains(":")
                ? Devices.parse("cuda:" + gpu(Engine.getInstance().getGpuCount(), shared)) : device;
    }

    /** Whether the launcher lets each of a host's ranks see its own GPU alone, as srun --gpus-per-task=1 does. */
    boolean seesOwnGpuAlone(int visible) {
        return visible == 1 && localSize > 1 && source != Source.VARIABLES;
    }

    /**
     * The number of this rank's GPU among those it sees, of which there is one at least.
     *
     * @param shared whether several ranks may have one
     * @throws UserError (machine) where they may not, and there are fewer than this host has ranks
     */
    public int gpu(int visible, boolean shared) {
        if (!shared && !seesOwnGpuAlone(visible)) {
            requireGpus(localSize, visible);
        }
        return localRank % visible;
    }

    /** Throws where this host has fewer GPUs than there are to be ranks. */
    public static void requireGpus(int ranks, int visible) {
        if (ranks > visible) {
            throw UserError.machine("there are to be " + ranks + " ranks on this host, a GPU each, and it has "
                    + visible + ".", "Start no more ranks on a host than it has GPUs, or let them share those it has:"
                            + " --backend shm. lab pretrain also takes --device cpu, and, where each rank sees its own"
                            + " GPU alone, --device cuda:0.");
        }
    }

    /**
     * Where rank 0 may be asked.
     *
     * @throws UserError (bad input) where nobody has said which host it is on
     */
    public InetSocketAddress place() {
        if (address.isEmpty() && !oneHost()) {
            throw UserError.badInput("the ranks that " + source + " has started on several hosts do not know where"
                    + " rank 0 is.", "Set MASTER_ADDR to its host, and MASTER_PORT to a free port there.");
        }
        return new InetSocketAddress(address.orElse("127.0.0.1"), port);
    }

    private static World alone(Variables variables) {
        if (variables.has("RANK") != variables.has("WORLD_SIZE")) {
            // Else every rank of a launcher that has failed to say one of them would train alone.
            boolean rank = variables.has("RANK");
            throw wrong((rank ? "RANK" : "WORLD_SIZE") + " is set and " + (rank ? "WORLD_SIZE" : "RANK")
                    + " is not, or is empty");
        }
        return new World(0, 1, 0, 1, Optional.empty(), port(variables),
                "alone-" + ProcessHandle.current().pid(), Source.NONE);
    }

    private static Optional<World> openMpi(Variables v) {
        if (!v.has("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                "OMPI_COMM_WORLD_LOCAL_SIZE")) {
            return Optional.empty();
        }
        return Optional.of(new World(v.number("OMPI_COMM_WORLD_RANK"), v.number("OMPI_COMM_WORLD_SIZE"),
                v.number("OMPI_COMM_WORLD_LOCAL_RANK"), v.number("OMPI_COMM_WORLD_LOCAL_SIZE"), v.text("MASTER_ADDR"),
                port(v), v.name("ompi", "PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"), Source.OPEN_MPI));
    }

    private static Optional<World> pmi(Variables v) {
        if (!v.has("PMI_RANK", "PMI_SIZE")) {
            return Optional.empty();
        }
        int rank = v.number("PMI_RANK");
        int size = v.number("PMI_SIZE");
        // Slurm speaks PMI, too, and says elsewhere what is on which host.
        World host = v.has("MPI_LOCALRANKID", "MPI_LOCALNRANKS") ? null : slurm(v).orElse(null);
        return Optional.of(new World(rank, size, host == null ? v.number("MPI_LOCALRANKID", rank) : host.localRank,
                host == null ? v.number("MPI_LOCALNRANKS", size) : host.localSize,
                host == null ? v.text("MASTER_ADDR") : host.address, host == null ? port(v) : host.port,
                v.name("pmi", "PMI_JOBID", "SLURM_JOB_ID", "SLURM_STEP_ID"), Source.PMI));
    }

    private static Optional<World> variables(Variables v) {
        if (!v.has("RANK", "WORLD_SIZE")) {
            return Optional.empty();
        }
        int rank = v.number("RANK");
        int size = v.number("WORLD_SIZE");
        // Without a word about hosts, an address that is another host's means one rank a host.
        boolean here = v.text("MASTER_ADDR").map(a -> a.equals("localhost") || a.startsWith("127.")).orElse(true);
        return Optional.of(new World(rank, size, v.number("LOCAL_RANK", here ? rank : 0),
                v.number("LOCAL_WORLD_SIZE", here ? size : v.number("LOCAL_RANK", 0) + 1), v.text("MASTER_ADDR"),
                port(v), v.name("run", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_PORT"),
                Source.VARIABLES));
    }

    private static Optional<World> slurm(Variables v) {
        // A batch script has some of these, too; a number of a step of tasks only tasks have.
        if (!v.has("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID",
                "SLURM_NODEID", "SLURM_STEP_TASKS_PER_NODE") || v.longNumber("SLURM_STEP_ID") > Integer.MAX_VALUE) {
            return Optional.empty();
        }
        int localSize = SlurmLists.tasks(v.text("SLURM_STEP_TASKS_PER_NODE").orElseThrow(),
                v.number("SLURM_NODEID"));
        return Optional.of(new World(v.number("SLURM_PROCID"), v.number("SLURM_STEP_NUM_TASKS"),
                v.number("SLURM_LOCALID"), localSize,
                v.text("MASTER_ADDR").or(() -> v.text("SLURM_STEP_NODELIST").map(SlurmLists::firstHost)),
                v.number("MASTER_PORT", slurmPort(v)),
                v.name("slurm", "SLURM_JOB_ID", "SLURM_STEP_ID"), Source.SLURM));
    }

    private static int port(Variables v) {
        return v.number("MASTER_PORT", DEFAULT_PORT);
    }

    /** Jobs may share a host, so each step has a port of its own, below those that systems give out themselves. */
    private static int slurmPort(Variables v) {
        return 20_000 + (int) ((v.longNumber("SLURM_JOB_ID") + v.longNumber("SLURM_STEP_ID")) % 10_000);
    }

    /**
     * Tells a process, in torchrun's words, which rank of this host's it is; what other launchers have said is
     * withdrawn.
     *
     * @param run  of no other run on this host
     * @param port free on this host
     */
    static void tell(Map<String, String> environment, int rank, int size, String run, int port) {
        environment.keySet().removeIf(name -> name.startsWith("OMPI_") || name.startsWith("PMI")
                || name.startsWith("MPI_LOCAL") || name.startsWith("TORCHELASTIC_"));
        environment.putAll(Map.of("RANK", Integer.toString(rank), "WORLD_SIZE", Integer.toString(size),
                "LOCAL_RANK", Integer.toString(rank), "LOCAL_WORLD_SIZE", Integer.toString(size),
                "MASTER_ADDR", "127.0.0.1", "MASTER_PORT", Integer.toString(port), "TORCHELASTIC_RUN_ID", run));
    }
}
