package org.airelab.distributed.launch;

import ai.djl.Device;
import java.util.Locale;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
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
        public ProcessGroup join(World world, Device device, Limits limits) {
            return ShmGroup.join(world.name(), world.rank(), world.size(), limits);
        }
    },
    /** Through Open MPI, on any number of hosts. */
    MPI {
        @Override
        public ProcessGroup join(World world, Device device, Limits limits) {
            MpiGroup group = MpiGroup.join(limits, world.oneHost());
            if (group.rank() == world.rank() && group.size() == world.size()) {
                return group;
            }
            // Of processes that its launcher has not started Open MPI makes each a world of its own.
            String found = "this is rank " + world.rank() + " of " + world.size() + " by " + world.source()
                    + " and rank " + group.rank() + " of " + group.size() + " by Open MPI.";
            group.close();
            throw UserError.badInput(found, "Start the ranks with Open MPI's mpirun, or srun --mpi=pmix; on one host"
                    + " they need no MPI.");
        }
    },
    /** Through NCCL, a GPU for each rank. */
    NCCL {
        @Override
        public ProcessGroup join(World world, Device device, Limits limits) {
            int number = device.getDeviceId();
            // Open as long as the process: the group needs it to its end.
            CudaDevice gpu = CudaDevice.open(number);
            return NcclGroup.join(world.place(), world.rank(), world.size(), gpu,
                    () -> TorchStream.current(number), limits);
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

    /**
     * Meets the other ranks.
     *
     * @param device of this rank
     * @throws UserError when they do not come, or this machine lacks what the back end needs
     * @throws org.airelab.kernels.cuda.MissingCudaException when what it lacks is CUDA's
     */
    public abstract ProcessGroup join(World world, Device device, Limits limits);

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
