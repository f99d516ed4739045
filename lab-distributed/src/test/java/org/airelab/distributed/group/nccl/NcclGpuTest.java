package org.airelab.distributed.group.nccl;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.airelab.distributed.comm.CollectiveChecks;
import org.airelab.distributed.comm.DeviceMemory;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@link NcclGroup} by the real NCCL, with a rank for each GPU of this machine. */
@Tag("gpu")
class NcclGpuTest {
    @Test
    void everyCollective() throws Exception {
        int size = CudaDevice.count();
        InetSocketAddress place;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            place = new InetSocketAddress("127.0.0.1", socket.getLocalPort());
        }
        List<Callable<Void>> ranks = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            int rank = i;
            ranks.add(() -> {
                check(place, rank, size);
                return null;
            });
        }
        RankThreads.call(ranks);
    }

    private static void check(InetSocketAddress place, int rank, int size) {
        try (CudaDevice device = CudaDevice.open(rank); CudaStream stream = new CudaStream(device);
                NcclGroup group = NcclGroup.join(place, rank, size, device, stream::number, Limits.DEFAULT);
                DeviceMemory memory = new DeviceMemory(stream); Arena arena = Arena.ofConfined()) {
            new CollectiveChecks(group, memory, false).all(0, 1, 3, 1000, 1_000_003);
            try (ProcessGroup half = group.split("half", rank % 2)) {
                new CollectiveChecks(half, memory, false).all(1000);
            }
            // What follows in the stream comes after.
            MemorySegment values = group.allocate(400 << 20);
            MemorySegment host = arena.allocate(JAVA_FLOAT);
            host.set(JAVA_FLOAT, 0, rank + 1);
            stream.copy(host, values.asSlice(values.byteSize() - 4));
            group.allReduce(values, ScalarType.FLOAT32, Reduction.SUM).await();
            stream.copy(values.asSlice(values.byteSize() - 4), host);
            stream.synchronize();
            assertEquals(size * (size + 1) / 2f, host.get(JAVA_FLOAT, 0));
        }
    }
}
