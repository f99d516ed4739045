package org.airelab.distributed.launch;

import ai.djl.Device;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.gpu.StagedGroup;
import org.airelab.distributed.group.mpi.MpiGroup;
import org.airelab.distributed.group.nccl.NcclGroup;
import org.airelab.distributed.group.shm.ShmGroup;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.torch.TorchStream;

/** How ranks exchange arrays. This is the one place that chooses. */
public enum BackEnd {
    /** Through the memory of the one host all ranks are on. */
    SHM {
        @Override
        public ProcessGroup join(World world, Limits limits) {
            if (!world.oneHost()) {
                throw UserError.badInput("shm is the memory of one host, and this one has " + world.localSize()
                        + " of the run's " + world.size() + " ranks.", "Use --backend mpi, or nccl for GPUs.");
            }
            return ShmGroup.join(world.name(), world.rank(), world.size(), limits);
        }
    },
    /** Through Open MPI, on any number of hosts. */
    MPI {
        @Override
        public ProcessGroup join(World world, Limits limits) {
            MpiGroup group = meet(world, limits);
            if (group.rank() == world.rank() && group.size() == world.size()) {
                return group;
            }
            // Of processes that its launcher has not started Open MPI makes each a world of its own.
            String found = "this is rank " + world.rank() + " of " + world.size() + " by " + world.source()
                    + " and rank " + group.rank() + " of " + group.size() + " by Open MPI.";
            group.close();
            throw UserError.badInput(found, world.oneHost() ? "Start the ranks with Open MPI's mpirun, or srun"
                    + " --mpi=pmix; on one host they need no MPI." : "Where all ranks are on this host, give each"
                    + " LOCAL_WORLD_SIZE=" + world.size() + " and its LOCAL_RANK; on several hosts start them with Open"
                    + " MPI's mpirun, or srun --mpi=pmix.");
        }

        /** MPI waits for ever for a rank that does not come: those of one host meet in its memory before. */
        private static MpiGroup meet(World world, Limits limits) {
            if (world.alone() || !world.oneHost()) {
                return MpiGroup.join(limits, world.oneHost());
            }
            try (ShmGroup start = ShmGroup.join("start-" + world.name(), world.rank(), world.size(), limits)) {
                GroupEnd.of(start);
                return MpiGroup.join(limits, true);
            }
        }
    },
    /** Through NCCL, a GPU for each rank. */
    NCCL {
        @Override
        public ProcessGroup join(World world, Limits limits) {
            throw UserError.badInput("nccl exchanges arrays of GPUs, and this run's are the CPU's.",
                    "Use --device cuda, or leave --backend out.");
        }

        @Override
        public ProcessGroup join(World world, CudaDevice gpu, LongSupplier stream, Limits limits) {
            return NcclGroup.join(world.place(), world.rank(), world.size(), gpu, stream, limits);
        }
    };

    /**
     * The one for a world: NCCL for GPUs; else MPI where Open MPI has started it or it has several hosts, and shared
     * memory where it has one.
     *
     * @param device on which this rank's arrays lie
     */
    public static BackEnd of(World world, Device device) {
        if (device.isGpu()) {
            return NCCL;
        }
        return world.source() == World.Source.OPEN_MPI || !world.oneHost() ? MPI : SHM;
    }

    /** Whether several ranks may have one GPU. */
    public boolean sharesGpus() {
        return this != NCCL;
    }

    /**
     * Meets the other ranks.
     *
     * @param device of this rank
     * @throws UserError when they do not come, or this machine lacks what the back end needs
     * @throws org.airelab.kernels.cuda.MissingCudaException when what it lacks is CUDA's
     */
    public ProcessGroup join(World world, Device device, Limits limits) {
        if (!device.isGpu()) {
            return join(world, limits);
        }
        int number = device.getDeviceId();
        // Open as long as the process: the group needs it to its end.
        return join(world, CudaDevice.open(number), () -> TorchStream.current(number), limits);
    }

    /** The same of ranks whose arrays lie in the host's memory. */
    public abstract ProcessGroup join(World world, Limits limits);

    /**
     * The same of a rank on a GPU: where the back end is the host's, arrays pass through the host's memory.
     *
     * @param stream gives the {@code cudaStream_t} on which the thread that asks works
     */
    public ProcessGroup join(World world, CudaDevice gpu, LongSupplier stream, Limits limits) {
        return new StagedGroup(join(world, limits), gpu, stream);
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
