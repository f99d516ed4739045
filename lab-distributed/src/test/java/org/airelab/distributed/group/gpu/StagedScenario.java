package org.airelab.distributed.group.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.airelab.base.UserError;
import org.airelab.distributed.comm.CollectiveChecks;
import org.airelab.distributed.comm.DeviceMemory;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.distributed.group.nccl.FakeNccl;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaResource;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.torch.ScalarType;

/** What {@link StagedGroupTest} runs in a JVM with a fake driver: the scenario its argument names. */
final class StagedScenario {
    private static final int COUNT = 1000;

    private StagedScenario() {
    }

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "collectives" -> collectives(Integer.parseInt(arguments[1]));
            case "portions" -> portions();
            case "before" -> whatWasEnqueuedBefore();
            case "after" -> whatIsEnqueuedAfter();
            case "order" -> order();
            case "ways" -> ways();
            case "different" -> different();
            case "memory" -> wrongMemory();
            case "abort" -> abort();
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        assertEquals(0, CudaResource.live(), "resources of the driver that are not freed");
        System.out.println("all well");
        System.exit(0);
    }

    /** One rank of a run, a thread: its group, its stream and memory on the GPU that all have. */
    private record Seat(StagedGroup group, CudaStream stream, DeviceMemory memory) {
        /** {@link #COUNT} values of int64 for each of some blocks, every byte the same. */
        MemorySegment values(int blocks, int each) {
            MemorySegment values = memory.allocate((long) blocks * COUNT * Long.BYTES);
            stream.fill(values, (byte) each);
            return values;
        }

        /** Fills memory, but not before the stream has done other things. */
        void fillLate(MemorySegment values, int each) {
            FakeNccl.delay(stream.number(), 200);
            stream.fill(values, (byte) each);
        }

        /** Requires every byte to be as it should, seen from a stream that waits for nothing. */
        void requireAll(int each, MemorySegment values) {
            byte[] expected = new byte[(int) values.byteSize()];
            Arrays.fill(expected, (byte) each);
            try (Arena arena = Arena.ofConfined(); CudaStream other = new CudaStream(stream.device())) {
                MemorySegment host = arena.allocate(values.byteSize());
                other.copy(values, host);
                assertArrayEquals(expected, host.toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }

    @FunctionalInterface
    private interface Rank {
        void run(Seat seat) throws Exception;
    }

    private static void run(int size, Rank rank) throws Exception {
        RankThreads.run(size, RankThreads.LIMITS, shm -> {
            try (CudaDevice device = CudaDevice.open(0); CudaStream stream = new CudaStream(device);
                    StagedGroup group = new StagedGroup(shm, device, stream::number);
                    DeviceMemory memory = new DeviceMemory(stream)) {
                rank.run(new Seat(group, stream, memory));
            }
        });
    }

    /** With copies so slow that what does not wait for them comes too early. */
    private static void collectives(int size) throws Exception {
        FakeNccl.pinnedCopies(1);
        run(size, seat -> {
            new CollectiveChecks(seat.group(), seat.memory()).all(0, 1, 3, 1000);
            seat.requireAll(0, seat.group().allocate(1000));
            try (ProcessGroup some = seat.group().split("some", seat.group().rank() % 2)) {
                new CollectiveChecks(some, seat.memory()).all(3);
                assertEquals((size + 1 - seat.group().rank() % 2) / 2, some.size());
            }
        });
    }

    /** Calls of more bytes than pass at a time, the last portion smaller than the others. */
    private static void portions() throws Exception {
        FakeNccl.pinnedCopies(1);
        run(3, seat -> {
            seat.group().mostBytes(4096);
            new CollectiveChecks(seat.group(), seat.memory()).all(512, 1500);
        });
    }

    /** A call waits, and the host does not, for what the caller's stream still does with its arrays. */
    private static void whatWasEnqueuedBefore() throws Exception {
        run(2, seat -> {
            int rank = seat.group().rank();
            MemorySegment sums = seat.values(1, 0);
            MemorySegment others = seat.values(2, 0);
            seat.stream().synchronize();
            FakeNccl.hold(seat.stream().number());
            seat.fillLate(sums, 1);
            Work sum = seat.group().allReduce(sums, ScalarType.INT64, Reduction.SUM);
            // Still written when the elements of the other rank have come.
            seat.fillLate(others, 7);
            Work all = seat.group().allGather(sums, others, ScalarType.INT64);
            assertFalse(sum.done());
            // A host that waited when a call is issued would never come here.
            FakeNccl.release(seat.stream().number());
            sum.await();
            seat.requireAll(2, sums);
            all.await();
            seat.requireAll(2, others);
            FakeNccl.hold(seat.stream().number());
            seat.stream().fill(others, (byte) 3);
            BooleanSupplier released = FakeNccl.releaseLater(seat.stream().number());
            seat.group().barrier().await();
            assertTrue(released.getAsBoolean(), "a barrier is before what the stream does");

            MemorySegment message = seat.values(1, 0);
            seat.stream().synchronize();
            seat.fillLate(message, 3 + rank);
            (rank == 0 ? seat.group().send(message, ScalarType.INT64, 1)
                    : seat.group().receive(message, ScalarType.INT64, 0)).await();
            seat.requireAll(3, message);
        });
    }

    /** What is awaited is in place, whatever stream looks at it, although copies take long. */
    private static void whatIsEnqueuedAfter() throws Exception {
        FakeNccl.pinnedCopies(50);
        run(2, seat -> {
            StagedGroup group = seat.group();
            int rank = group.rank();
            MemorySegment whole = seat.values(2, rank + 1);
            MemorySegment part = seat.values(1, 0);
            group.reduceScatter(whole, part, ScalarType.INT64, Reduction.SUM).await();
            seat.requireAll(3, part);
            group.allGather(part, whole, ScalarType.INT64).await();
            seat.requireAll(3, whole);
            seat.stream().fill(part, (byte) (4 + rank));
            group.broadcast(part, ScalarType.INT64, 1).await();
            seat.requireAll(5, part);
            seat.stream().fill(part, (byte) (6 + rank));
            group.allReduce(part, ScalarType.INT64, Reduction.MAX).await();
            seat.requireAll(7, part);
            seat.stream().fill(part, (byte) (8 + rank));
            Work sent = group.send(part, ScalarType.INT64, 1 - rank);
            group.receive(whole.asSlice(0, part.byteSize()), ScalarType.INT64, 1 - rank).await();
            seat.requireAll(9 - rank, whole.asSlice(0, part.byteSize()));
            sent.await();
        });
    }

    /** What goes to the host's group at once does not overtake what waits for the GPU. */
    private static void order() throws Exception {
        run(2, seat -> {
            int rank = seat.group().rank();
            for (Supplier<Object> next : List.<Supplier<Object>>of(() -> seat.group().gather(5 + rank),
                    () -> seat.group().split("some", 0))) {
                MemorySegment sums = seat.values(1, 0);
                if (rank == 0) {
                    seat.fillLate(sums, 1);
                }
                Work sum = seat.group().allReduce(sums, ScalarType.INT64, Reduction.SUM);
                if (rank == 1) {
                    // By then its sum is the host's group's.
                    Thread.sleep(100);
                }
                switch (next.get()) {
                    case long[] all -> assertArrayEquals(new long[] {5, 6}, all);
                    case ProcessGroup some -> some.close();
                    case Object other -> throw new AssertionError(other);
                }
                sum.await();
                seat.requireAll(1, sums);
            }
        });
    }

    /** No message waits for one the other way, or for a collective, that the other rank is not at yet. */
    private static void ways() throws Exception {
        run(2, seat -> {
            int rank = seat.group().rank();
            // More than is on its way at a time.
            MemorySegment mine = seat.values(500, 1 + rank);
            MemorySegment others = seat.values(500, 0);
            Work sent = seat.group().send(mine, ScalarType.INT64, 1 - rank);
            seat.group().receive(others, ScalarType.INT64, 1 - rank).await();
            sent.await();
            seat.requireAll(2 - rank, others);

            MemorySegment sums = seat.values(1, 1);
            if (rank == 0) {
                Work sum = seat.group().allReduce(sums, ScalarType.INT64, Reduction.SUM);
                seat.group().send(mine, ScalarType.INT64, 1).await();
                sum.await();
            } else {
                seat.group().receive(others, ScalarType.INT64, 0).await();
                seat.group().allReduce(sums, ScalarType.INT64, Reduction.SUM).await();
            }
            seat.requireAll(2, sums);
        });
    }

    /** The host's group says what is wrong. */
    private static void different() throws Exception {
        run(2, seat -> {
            MemorySegment values = seat.values(1, 0);
            UserError error = assertThrows(UserError.class, () -> (seat.group().rank() == 0
                    ? seat.group().allReduce(values, ScalarType.INT64, Reduction.SUM)
                    : seat.group().broadcast(values, ScalarType.INT64, 0)).await());
            assertEquals("the ranks disagree about collective 1 of group world: rank 0 called all-reduce (sum) of 1000"
                    + " int64 values, and rank 1 called broadcast of 1000 int64 values from rank 0",
                    error.getMessage());
        });
    }

    /** A rank whose GPU fails ends the group for all, and is named. */
    private static void wrongMemory() throws Exception {
        run(2, seat -> {
            MemorySegment values = seat.values(1, 0);
            // Beyond what was allocated.
            MemorySegment wrong = seat.group().rank() == 0 ? values.asSlice(0, 80)
                    : values.asSlice(values.byteSize() - 8).reinterpret(80);
            UserError error = assertThrows(UserError.class,
                    () -> seat.group().allReduce(wrong, ScalarType.INT64, Reduction.SUM).await());
            assertTrue(error.getMessage().startsWith("rank 1 failed in all-reduce (sum) of 10 int64 values in group"
                    + " world: CUDA_ERROR_INVALID_VALUE (1) in cuMemcpyAsync of 80 bytes"), error.getMessage());
            assertEquals(UserError.LOST, error.exitCode());
            UserError later = assertThrows(UserError.class, () -> seat.group().barrier().await());
            assertEquals(error.getMessage(), later.getMessage());
        });
    }

    private static void abort() throws Exception {
        run(2, seat -> {
            if (seat.group().rank() == 1) {
                seat.group().abort("rank 1 stopped: no luck");
            }
            UserError error = assertThrows(UserError.class, () -> seat.group().barrier().await());
            assertEquals("rank 1 stopped: no luck", error.getMessage());
        });
    }
}
