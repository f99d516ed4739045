package org.airelab.distributed.group.nccl;

import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.airelab.distributed.comm.DeviceMemory;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.distributed.group.store.Store;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;

/** One rank of a run, a thread: its group, its stream and memory on its device. */
record Seat(NcclGroup group, CudaStream stream, DeviceMemory memory) {
    static final Limits LIMITS =
            new Limits(Duration.ofSeconds(60), Duration.ofSeconds(120), Duration.ofSeconds(30));

    /** Zeros. */
    MemorySegment floats(int count) {
        MemorySegment floats = memory.allocate(4L * count);
        stream.fill(floats, (byte) 0);
        return floats;
    }

    @FunctionalInterface
    interface Rank {
        void run(Seat seat) throws Exception;
    }

    static InetSocketAddress freePlace() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return new InetSocketAddress("127.0.0.1", socket.getLocalPort());
        }
    }

    static void sit(InetSocketAddress place, int rank, int size, Limits limits, Rank what) throws Exception {
        sit(place, rank, size, rank, limits, what);
    }

    static void sit(InetSocketAddress place, int rank, int size, int gpu, Limits limits, Rank what) throws Exception {
        try (CudaDevice device = CudaDevice.open(gpu); CudaStream stream = new CudaStream(device);
                NcclGroup group = NcclGroup.join(place, rank, size, device, stream::number, limits);
                DeviceMemory memory = new DeviceMemory(stream)) {
            what.run(new Seat(group, stream, memory));
        } catch (AssertionError e) {
            throw new AssertionError("rank " + rank + " of " + size + ": " + e.getMessage(), e);
        }
    }

    /** What a rank that only comes does then, by what the others know of it. */
    @FunctionalInterface
    interface StandIn {
        void run(Store store) throws Exception;
    }

    /** Comes as rank 1 of two, and is of the group no more than what others know of it: no watchdog, no calls. */
    static Void standIn(InetSocketAddress place, Limits limits, StandIn then) throws Exception {
        try (CudaDevice device = CudaDevice.open(1);
                Store store = Store.open(place, 1, 2, LIMITS.start(), LIMITS.silence())) {
            device.enter();
            Communicator communicator = new Meeting(store, 1, 2, device.busId(), limits).communicator();
            then.run(store);
            communicator.abort();
        }
        return null;
    }

    static void run(int size, Limits limits, Rank rank) throws Exception {
        InetSocketAddress place = freePlace();
        List<Callable<Void>> ranks = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            int number = i;
            ranks.add(() -> {
                sit(place, number, size, limits, rank);
                return null;
            });
        }
        RankThreads.call(ranks);
    }
}
