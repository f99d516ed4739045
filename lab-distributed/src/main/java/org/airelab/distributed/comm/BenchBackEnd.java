package org.airelab.distributed.comm;

import java.lang.foreign.Arena;
import java.net.InetSocketAddress;
import java.util.Locale;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.mpi.MpiGroup;
import org.airelab.distributed.group.nccl.NcclGroup;
import org.airelab.distributed.group.shm.ShmGroup;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.MissingCudaException;

/** The back ends that can be measured, each with the memory that its groups work on. */
public enum BenchBackEnd {
    /** Shared memory of this host. */
    SHM {
        @Override
        void run(BenchRanks ranks, Task task) {
            try (ProcessGroup group = ShmGroup.join(ranks.name(), ranks.rank(), ranks.size(), Limits.DEFAULT);
                    Arena arena = Arena.ofShared()) {
                task.run(group, GroupMemory.of(arena), "shm");
            }
        }
    },
    /** Open MPI, whose launcher says which rank this is. */
    MPI {
        @Override
        void run(BenchRanks ranks, Task task) {
            try (ProcessGroup group = MpiGroup.join(Limits.DEFAULT); Arena arena = Arena.ofShared()) {
                task.run(group, GroupMemory.of(arena), "mpi");
            }
        }
    },
    /** NCCL, a GPU for each rank. */
    NCCL {
        @Override
        void run(BenchRanks ranks, Task task) {
            try (CudaDevice device = CudaDevice.open(device(ranks));
                    CudaStream stream = new CudaStream(device);
                    ProcessGroup group = NcclGroup.join(new InetSocketAddress(ranks.address(), ranks.port()),
                            ranks.rank(), ranks.size(), device, stream::number, Limits.DEFAULT);
                    DeviceMemory memory = new DeviceMemory(stream)) {
                task.run(group, memory, "nccl " + NcclGroup.version() + " on " + device.name());
            }
        }

        private int device(BenchRanks ranks) {
            requireRoom(ranks.localRank() + 1);
            return ranks.localRank();
        }

        @Override
        void requireRoom(int ranks) {
            int devices = devices();
            if (ranks > devices) {
                throw UserError.machine("there are to be " + ranks + " ranks on this host, a GPU each, and it has "
                        + devices, "Start no more ranks on a host than it has GPUs.");
            }
        }

        private int devices() {
            try {
                return CudaDevice.count();
            } catch (MissingCudaException e) {
                throw UserError.machine(e.getMessage(), e.advice(), e);
            }
        }
    };

    /** What a rank does with its group. */
    @FunctionalInterface
    interface Task {
        void run(ProcessGroup group, GroupMemory memory, String title);
    }

    /** Throws where this host cannot have so many ranks. */
    void requireRoom(int ranks) {
        // Any number, where nothing is said.
    }

    /** Meets the other ranks, does the task, and leaves them. */
    abstract void run(BenchRanks ranks, Task task);

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
