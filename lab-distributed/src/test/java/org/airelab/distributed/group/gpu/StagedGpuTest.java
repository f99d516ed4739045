package org.airelab.distributed.group.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.distributed.comm.CollectiveChecks;
import org.airelab.distributed.comm.DeviceMemory;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@link StagedGroup} on a real GPU, which three ranks share. */
@Tag("gpu")
class StagedGpuTest {
    private static final int LARGE = 200 << 20;

    @Test
    void everyCollective() throws Exception {
        RankThreads.run(3, RankThreads.LIMITS, shm -> {
            try (CudaDevice device = CudaDevice.open(0); CudaStream stream = new CudaStream(device);
                    StagedGroup group = new StagedGroup(shm, device, stream::number);
                    DeviceMemory memory = new DeviceMemory(stream); Arena arena = Arena.ofConfined()) {
                new CollectiveChecks(group, memory).all(0, 1, 3, 1000, 100_003);
                // In several portions, behind work of the stream's that takes as long as they do.
                MemorySegment values = group.allocate(LARGE);
                for (int i = 0; i < 100; i++) {
                    stream.fill(values, (byte) i);
                }
                stream.fill(values, (byte) (group.rank() + 1));
                group.allReduce(values, ScalarType.INT64, Reduction.SUM).await();
                MemorySegment host = arena.allocate(LARGE);
                memory.read(values, host);
                Assertions.assertEquals(-1, host.mismatch(arena.allocate(LARGE).fill((byte) 6)));
            }
        });
    }
}
