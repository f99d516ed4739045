package org.airelab.distributed.group.nccl;

import static org.airelab.distributed.group.nccl.Seat.LIMITS;
import static org.airelab.distributed.group.nccl.Seat.freePlace;
import static org.airelab.distributed.group.nccl.Seat.run;
import static org.airelab.distributed.group.nccl.Seat.sit;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import org.airelab.base.UserError;
import org.airelab.cli.Lab;
import org.airelab.distributed.comm.CollectiveChecks;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.distributed.group.store.Store;
import org.airelab.kernels.cuda.CudaResource;
import org.airelab.torch.ScalarType;

/** What {@link NcclGroupTest} runs in a JVM with {@link FakeNccl}: the scenario its argument names. */
final class NcclScenario {
    /** {@code ncclRemoteError}. */
    private static final int REMOTE_ERROR = 6;

    private NcclScenario() {
    }

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "collectives" -> collectives(Integer.parseInt(arguments[1]));
            case "streams" -> streams();
            case "split" -> split();
            case "different" -> different();
            case "message" -> message();
            case "late" -> NcclInVain.late();
            case "leaves" -> leaves();
            case "dies" -> dies();
            case "stopped" -> NcclInVain.stopped();
            case "stoppedUnawaited" -> NcclUnawaited.stopped();
            case "diedUnawaited" -> NcclUnawaited.died();
            case "abort" -> abort();
            case "asyncError" -> asyncError();
            case "idle" -> asyncErrorOfIdleRank();
            case "init" -> NcclStarts.init();
            case "start" -> NcclStarts.start();
            case "sameGpu" -> NcclStarts.sameGpu();
            case "bench" -> System.exit(Lab.run(System.out, System.err, "comm-bench", "--backend", "nccl", "--sizes",
                    "1k,64k"));
            case "crowd" -> System.exit(Lab.run(System.out, System.out, "comm-bench", "--backend", "nccl", "--ranks",
                    "9") - UserError.MACHINE);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        assertEquals(0, CudaResource.live(), "resources of the driver that are not freed");
        assertEquals(0, FakeNccl.communicators(), "communicators that are not freed");
        System.out.println("all well");
        System.exit(0);
    }

    private static void collectives(int size) throws Exception {
        run(size, LIMITS, seat -> {
            new CollectiveChecks(seat.group(), seat.memory(), false).all(0, 1, 3, 1000);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment zeros = arena.allocate(1000).fill((byte) 1);
                seat.memory().read(seat.group().allocate(1000), zeros);
                assertArrayEquals(new byte[1000], zeros.toArray(ValueLayout.JAVA_BYTE));
            }
        });
    }

    /** The device waits for what comes before and after, the host for neither. */
    private static void streams() throws Exception {
        run(2, LIMITS, seat -> {
            MemorySegment values = seat.floats(1000);
            seat.group().allReduce(values, ScalarType.INT64, Reduction.SUM).await();
            seat.stream().synchronize();
            FakeNccl.hold(seat.stream().number());
            seat.stream().fill(values, (byte) 1);
            Work work = seat.group().allReduce(values, ScalarType.INT64, Reduction.SUM);
            work.await();
            assertFalse(work.done());
            // A host that had waited would never come here.
            FakeNccl.release(seat.stream().number());
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment host = arena.allocate(values.byteSize());
                seat.stream().copy(values, host);
                assertEquals(0x0202020202020202L, host.get(ValueLayout.JAVA_LONG, 3992));
            }
            assertTrue(work.done());

            FakeNccl.hold(seat.stream().number());
            BooleanSupplier released = FakeNccl.releaseLater(seat.stream().number());
            seat.group().barrier().await();
            assertTrue(released.getAsBoolean(), "the host does not wait for a barrier");
        });
    }

    private static void split() throws Exception {
        run(4, LIMITS, seat -> {
            int rank = seat.group().rank();
            try (ProcessGroup rows = seat.group().split("tp", rank / 2);
                    ProcessGroup columns = seat.group().split("dp", rank % 2)) {
                assertEquals(2, rows.size());
                assertEquals(rank % 2, rows.rank());
                assertEquals(rank / 2, columns.rank());
                assertEquals("rank " + (rank / 2 * 2), rows.who(0));
                // Other ranks begin with the other group: neither may wait for the other.
                MemorySegment a = seat.floats(100);
                MemorySegment b = seat.floats(100);
                Work first = (rank < 2 ? rows : columns).allReduce(a, ScalarType.FLOAT32, Reduction.SUM);
                Work second = (rank < 2 ? columns : rows).allReduce(b, ScalarType.FLOAT32, Reduction.SUM);
                second.await();
                first.await();
                new CollectiveChecks(columns, seat.memory(), false).all(100);
                new CollectiveChecks(rows, seat.memory(), false).all(7);
                try (ProcessGroup one = rows.split("one", rank)) {
                    assertEquals(1, one.size());
                    one.barrier().await();
                }
            }
        });
    }

    /** Requires what each rank does to fail with one sentence, and the group to stay failed. */
    static void fails(int size, Limits limits, String sentence, Seat.Rank rank) throws Exception {
        run(size, limits, seat -> {
            UserError error = assertThrows(UserError.class, () -> rank.run(seat));
            assertEquals(sentence, error.getMessage());
            assertEquals(UserError.LOST, error.exitCode());
            assertEquals(sentence, assertThrows(UserError.class, () -> seat.group().barrier().await()).getMessage());
        });
    }

    private static void different() throws Exception {
        differ("all-reduce (sum) of 10 float32 values", "all-reduce (sum) of 5 float32 values", (group, values) ->
                group.allReduce(values.asSlice(0, 40 - 20 * group.rank()), ScalarType.FLOAT32, Reduction.SUM));
        differ("broadcast of 10 float32 values from rank 0", "broadcast of 10 float32 values from rank 1",
                (group, values) -> group.broadcast(values, ScalarType.FLOAT32, group.rank()));
        differ("barrier", "all-reduce (sum) of 5 int64 values", (group, values) -> group.rank() == 0
                ? group.barrier() : group.allReduce(values, ScalarType.INT64, Reduction.SUM));
    }

    private static void differ(String first, String second, BiFunction<ProcessGroup, MemorySegment, Work> call)
            throws Exception {
        fails(2, LIMITS, "the ranks disagree about collective 2 of group world: rank 0 called " + first
                + ", and rank 1 called " + second, seat -> {
            seat.group().barrier().await();
            call.apply(seat.group(), seat.floats(10)).await();
            seat.group().barrier().await();
        });
    }

    private static void message() throws Exception {
        fails(2, LIMITS, "rank 0 expected a message of 9 float32 values from rank 1 in group world, which sent 10"
                + " float32 values", seat -> {
            if (seat.group().rank() == 1) {
                seat.group().send(seat.floats(10), ScalarType.FLOAT32, 0).await();
            } else {
                seat.group().receive(seat.floats(9), ScalarType.FLOAT32, 1).await();
            }
            seat.group().barrier().await();
        });
    }

    private static void leaves() throws Exception {
        run(2, LIMITS, seat -> {
            if (seat.group().rank() == 0) {
                UserError error = assertThrows(UserError.class, () -> seat.group().barrier().await());
                assertEquals("rank 1 has left while rank 0 waited for it in barrier in group world",
                        error.getMessage());
            }
        });
        run(2, LIMITS, seat -> {
            if (seat.group().rank() == 1) {
                UserError error = assertThrows(UserError.class, () -> seat.group().barrier().await());
                assertEquals("rank 0 has died or left while rank 1 waited in barrier in group world",
                        error.getMessage());
            }
        });
    }

    private static void dies() throws Exception {
        InetSocketAddress place = freePlace();
        CountDownLatch over = new CountDownLatch(1);
        RankThreads.call(List.of(() -> {
            sit(place, 0, 2, LIMITS, seat -> {
                UserError error = assertThrows(UserError.class, () -> seat.group().barrier().await());
                assertEquals("rank 1 has died while rank 0 waited for it in barrier in group world",
                        error.getMessage());
                over.countDown();
            });
            return null;
        }, () -> {
            sit(place, 1, 2, LIMITS, seat -> {
                // What the store says when the connection of a rank breaks off: see StoreTest.
                try (Store store = Store.open(place, 1, 2, LIMITS.start(), LIMITS.silence())) {
                    store.put(Store.LOST + 1, "");
                }
                over.await();
            });
            return null;
        }));
    }

    private static void abort() throws Exception {
        fails(3, LIMITS, "rank 1 has found a mistake", seat -> {
            Work pending = seat.group().rank() == 1 ? null : seat.group().barrier();
            if (seat.group().rank() == 1) {
                seat.group().abort("rank 1 has found a mistake");
                pending = seat.group().barrier();
            }
            pending.await();
        });
    }

    private static void asyncError() throws Exception {
        AtomicInteger steps = new AtomicInteger();
        run(2, LIMITS, seat -> {
            MemorySegment values = seat.floats(1000);
            UserError error = assertThrows(UserError.class, () -> {
                while (true) {
                    seat.group().allReduce(values, ScalarType.FLOAT32, Reduction.SUM).await();
                    if (steps.incrementAndGet() == 40) {
                        FakeNccl.asyncError(1, REMOTE_ERROR);
                    }
                }
            });
            assertTrue(error.getMessage().startsWith("rank 1 failed in "), error.getMessage());
            assertTrue(error.getMessage().endsWith("NCCL says 'remote process exited or there was a network error'"
                    + " (connection closed by peer)"), error.getMessage());
        });
    }

    /** Noticed by the watchdog, while nobody calls anything of the rank. */
    private static void asyncErrorOfIdleRank() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        run(2, LIMITS, seat -> {
            if (seat.group().rank() == 1) {
                FakeNccl.asyncError(1, REMOTE_ERROR);
                over.await();
                return;
            }
            UserError error = assertThrows(UserError.class, () -> seat.group().barrier().await());
            assertEquals("rank 1 failed in group world: NCCL says 'remote process exited or there was a network error'"
                    + " (connection closed by peer)", error.getMessage());
            over.countDown();
        });
    }
}
