package org.airelab.distributed.launch;

import ai.djl.Device;
import java.util.Locale;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.mpi.MpiGroup;
import org.airelab.distributed.group.shm.ShmGroup;
import org.airelab.torch.Devices;

/** How ranks exchange arrays. This is the one place that chooses. */
public enum BackEnd {
    /** Through the memory of the one host all ranks are on. */
    SHM {
        @Override
        public ProcessGroup join(World world, Limits limits) {
            return ShmGroup.join(world.name(), world.rank(), world.size(), limits);
        }
    },
    /** Through Open MPI, on any number of hosts. */
    MPI {
        @Override
        public ProcessGroup join(World world, Limits limits) {
            return MpiGroup.join(limits);
        }
    };

    /**
     * The one for a world: MPI where Open MPI has started it or it has several hosts, else shared memory.
     *
     * @param device on which this rank's arrays lie
     */
    public static BackEnd of(World world, Device device) {
        if (device.isGpu()) {
            throw UserError.machine("ranks on GPUs cannot exchange arrays yet, and " + Devices.name(device)
                    + " was asked for", "Use --device cpu, or one rank.");
        }
        return world.source() == World.Source.OPEN_MPI || !world.oneHost() ? MPI : SHM;
    }

    /**
     * Meets the other ranks.
     *
     * @throws UserError when they do not come, or this machine lacks what the back end needs
     */
    public abstract ProcessGroup join(World world, Limits limits);

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
