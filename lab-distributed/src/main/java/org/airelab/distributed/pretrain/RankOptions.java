package org.airelab.distributed.pretrain;

import ai.djl.Device;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalInt;
import org.airelab.base.UserError;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.launch.BackEnd;
import org.airelab.distributed.launch.Cores;
import org.airelab.distributed.launch.GroupEnd;
import org.airelab.distributed.launch.World;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.parallel.Division;
import org.airelab.distributed.parallel.Ranks;
import org.airelab.distributed.pipeline.PipelineSchedule;
import org.airelab.kernels.cuda.CudaDevice;
import picocli.CommandLine.Option;

/** The options of a run about its ranks. */
final class RankOptions {
    @Option(names = "--nproc", paramLabel = "N", description = "Ranks to start on this host; each takes its share of"
            + " every batch and of the cores. Ranks that mpirun, srun or torchrun has started need no option."
            + " Default: 1.")
    private Integer ranks;

    @Option(names = "--max-restarts", paramLabel = "K", description = "After a rank has failed, start all again from"
            + " the last checkpoint, at most K times. Default: 0.")
    private int restarts;

    @Option(names = "--start-timeout", paramLabel = "SECONDS", description = "How long ranks wait for each other to"
            + " start. (Of ranks that MPI starts on several hosts its launcher decides.) Default: 20 where all are on"
            + " one host, else 60.")
    private Integer startSeconds;

    @Option(names = "--backend", paramLabel = "B", description = "How ranks exchange arrays: nccl, those of GPUs, a GPU"
            + " for each rank; shm, through this host's memory, or mpi: with both ranks may also share GPUs. One rank"
            + " alone then does its collectives, too. Default: nccl on GPUs; else shm, and mpi on several hosts or"
            + " under mpirun.")
    private BackEnd backEnd;

    @Option(names = "--gradients", paramLabel = "WHEN", description = "When ranks sum their gradients: bucketed, during"
            + " the backward pass, or naive, one parameter after another behind it. Default: bucketed.")
    private Replicas.Gradients gradients;

    @Option(names = "--bucket-mb", paramLabel = "MB", description = "Size of a bucket of gradients; with --zero 2 or 3"
            + " a bucket is a layer. Default: 25.")
    private double bucketMegabytes = 25;

    @Option(names = "--mesh", paramLabel = "SIZES", description = "How ranks divide the work: dp, data parallelism, by"
            + " samples; tp, tensor parallelism, each layer; pp, the pipeline, by layers; cp, context parallelism, each"
            + " sequence. What is left out is 1, and dp what the others leave. Default: dp alone.")
    private String mesh;

    @Option(names = "--sequence-parallel", description = "Ranks of tensor parallelism divide the tokens between the"
            + " divided products, and their norms.")
    private boolean sequenceParallel;

    @Option(names = "--schedule", paramLabel = "NAME", description = "Of a pipeline: afab (all forward, all backward),"
            + " 1f1b or interleaved. Default: 1f1b.")
    private String schedule;

    @Option(names = "--chunks", paramLabel = "N", description = "Chunks of layers on each rank of an interleaved"
            + " pipeline. Default: 1.")
    private int chunks = 1;

    @Option(names = "--zero", paramLabel = "STAGE", description = "1: every rank keeps the optimizer's state of its"
            + " share of the model alone (ZeRO-1); 2: gradients, too; 3: weights, too. Default: 0, every rank keeps"
            + " all.")
    private int zero;

    @Option(names = "--check-every", paramLabel = "STEPS", description = "Steps after which the weights that several"
            + " ranks have are compared, but for an embedding on both ends of a pipeline. Default: 100.")
    private long checkEvery = 100;

    /** Null where there are no other ranks, or they have not met. */
    private GroupEnd groupEnd;

    /** Refuses numbers that cannot be. */
    void check() {
        require(ranks == null || ranks >= 1, "--nproc must be at least 1, found " + ranks);
        require(restarts >= 0, "--max-restarts must be at least 0, found " + restarts);
        require(bucketMegabytes > 0 && bucketMegabytes < Integer.MAX_VALUE,
                "--bucket-mb must be above 0, found " + bucketMegabytes);
        require(startSeconds == null || startSeconds >= 1, "--start-timeout must be at least 1, found " + startSeconds);
        require(checkEvery >= 1, "--check-every must be at least 1, found " + checkEvery);
        require(restarts == 0 || ranks() > 1, "--max-restarts starts ranks again that --nproc or --mesh has started,"
                + " and " + (ranks == null && mesh == null ? "neither was given" : "one rank alone is not started so"));
        settings();
        schedule();
        if (mesh != null) {
            MeshShape.parse(mesh, OptionalInt.empty());
        }
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw UserError.badInput(message + ".", "See lab pretrain --help.");
        }
    }

    /**
     * Whether this process is to start ranks; it is none then.
     *
     * @throws UserError where another launcher has started another number
     */
    boolean launches(World world) {
        if (ranks != null && !world.alone() && ranks != world.localSize()) {
            throw UserError.badInput(String.format(Locale.ROOT, "--nproc %d asks for %d ranks on this host, and by %s"
                    + " there are %d.", ranks, ranks, world.source(), world.localSize()), "Leave --nproc out.");
        }
        return ranks() > 1 && world.alone();
    }

    /** Ranks to start on this host: as many as a mesh has where their number is not given. */
    int ranks() {
        return ranks != null ? ranks : mesh == null ? 1 : MeshShape.parse(mesh, OptionalInt.empty()).ranks();
    }

    int restarts() {
        return restarts;
    }

    /**
     * Meets the other ranks, if there are some.
     *
     * @param deviceName of this rank, as users name it
     */
    Ranks meet(World world, String deviceName) {
        Division division = division(world.size());
        Device device = world.device(deviceName, backEnd != null && backEnd.sharesGpus());
        if (device.isGpu() && device.getDeviceId() > 0) {
            // DJL, asked for a GPU's memory, makes the thread's current device current again: without one that is the
            // first GPU, on which each of the host's ranks would then have a context.
            CudaDevice.makeCurrent(device.getDeviceId());
        }
        if (world.alone() && backEnd == null) {
            return Ranks.alone(device);
        }
        BackEnd chosen = backEnd != null ? backEnd : BackEnd.of(world, device);
        ProcessGroup group = chosen.join(world, device, Limits.DEFAULT.withStart(startSeconds == null
                ? world.startLimit() : Duration.ofSeconds(startSeconds)));
        groupEnd = GroupEnd.of(group);
        try {
            Cores.share(group);
            Ranks met = Ranks.of(group, device, division);
            met.onStop(this::stopped);
            return met;
        } catch (RuntimeException e) {
            stopped();
            throw e;
        }
    }

    /** This rank ends, and says itself why. */
    void stopped() {
        if (groupEnd != null) {
            groupEnd.noticed();
        }
    }

    /** How a run of that many ranks is divided. Refuses what would have no effect there. */
    Division division(int size) {
        MeshShape shape = mesh == null ? MeshShape.replicas(size) : MeshShape.parse(mesh, OptionalInt.of(size));
        // A group of one rank, which --backend makes, has replicas: one.
        boolean replicas = shape.dp() * shape.cp() > 1 || size == 1 && backEnd != null;
        requireEffect(gradients == null || replicas, "--gradients is how replicas sum theirs", shape, "dp=2");
        requireEffect(zero == 0 || replicas, "--zero divides state among replicas", shape, "dp=2");
        requireEffect(schedule == null || shape.pp() > 1, "--schedule is of a pipeline", shape, "pp=2");
        return new Division(shape, settings(), sequenceParallel, schedule(), chunks);
    }

    private static void requireEffect(boolean has, String what, MeshShape shape, String other) {
        if (!has) {
            throw UserError.badInput(what + ", and the mesh " + shape + " has none.",
                    "Leave it out, or give a mesh such as " + other + ".");
        }
    }

    private PipelineSchedule schedule() {
        return PipelineSchedule.parse(schedule == null ? "1f1b" : schedule);
    }

    /** Refuses what they refuse. */
    private Replicas.Settings settings() {
        return new Replicas.Settings(gradients == null ? Replicas.Gradients.BUCKETED : gradients,
                Math.round(bucketMegabytes * 1e6), zero, checkEvery);
    }
}
