package org.airelab.distributed.comm;

import java.lang.foreign.Arena;
import java.util.Locale;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.nccl.NcclGroup;
import org.airelab.distributed.launch.BackEnd;
import org.airelab.distributed.launch.World;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.tracking.Hardware;

/** The group that is measured, with the memory that its collectives work on. */
final class BenchGroup {
    /** Of a JVM that does what a rank does here. */
    private static final long LEAST_OF_A_RANK = 64L << 20;

    private BenchGroup() {
    }

    /** What a rank does with its group. */
    @FunctionalInterface
    interface Task {
        void run(ProcessGroup group, GroupMemory memory, String title);
    }

    /** Meets the other ranks, does the task, and leaves them. */
    static void use(BackEnd backEnd, boolean onGpu, World world, Task task) {
        if (onGpu) {
            useGpu(backEnd, world, task);
            return;
        }
        try (ProcessGroup group = backEnd.join(world, limits(world)); Arena arena = Arena.ofShared()) {
            task.run(group, GroupMemory.of(arena), backEnd.toString());
        }
    }

    private static Limits limits(World world) {
        return Limits.DEFAULT.withStart(world.startLimit());
    }

    /** On a stream of its own: libtorch, on whose streams runs work, need not be there. */
    private static void useGpu(BackEnd backEnd, World world, Task task) {
        try (CudaDevice device = CudaDevice.open(world.gpu(CudaDevice.count(), backEnd.sharesGpus()));
                CudaStream stream = new CudaStream(device);
                ProcessGroup group = backEnd.join(world, device, stream::number, limits(world));
                DeviceMemory memory = new DeviceMemory(stream)) {
            task.run(group, memory, (backEnd == BackEnd.NCCL ? "nccl " + NcclGroup.version() : backEnd.toString())
                    + " on " + device.name());
        }
    }

    /** Throws where this host has no memory for so many ranks, each with two arrays of this size and itself. */
    static void requireMemory(int ranks, long bytes) {
        double need = (double) ranks * (2 * bytes + LEAST_OF_A_RANK) / (1 << 30);
        double have = (double) Hardware.totalMemory() / (1 << 30);
        if (need > have) {
            throw UserError.machine(String.format(Locale.ROOT, "%d ranks with arrays of %d bytes need at least %.1f"
                    + " GiB, and this machine has %.1f GiB.", ranks, bytes, need, have), "Lower --ranks, or --sizes.");
        }
    }
}
