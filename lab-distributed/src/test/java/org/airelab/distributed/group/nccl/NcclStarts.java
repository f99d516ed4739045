package org.airelab.distributed.group.nccl;

import static org.airelab.distributed.group.nccl.Seat.LIMITS;
import static org.airelab.distributed.group.nccl.Seat.freePlace;
import static org.airelab.distributed.group.nccl.Seat.sit;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.shm.RankThreads;

/** Scenarios of {@link NcclScenario} in which ranks do not come together. */
final class NcclStarts {
    private static final Limits SHORT_START =
            new Limits(Duration.ofSeconds(1), LIMITS.collective(), LIMITS.silence());
    /** {@code ncclInternalError}. */
    private static final int INTERNAL_ERROR = 3;

    private NcclStarts() {
    }

    private static UserError joinFails(InetSocketAddress place, int rank, int size, Limits limits) {
        return assertThrows(UserError.class, () -> sit(place, rank, size, limits, _ -> { }));
    }

    static void init() throws Exception {
        FakeNccl.failInit(INTERNAL_ERROR);
        UserError error = joinFails(freePlace(), 0, 1, LIMITS);
        assertEquals("rank 0 cannot join the others: ncclCommInitRankConfig: NCCL says 'internal error'",
                error.getMessage());
        FakeNccl.failInit(0);
    }

    /** Joins as several ranks at once, each of which fails. */
    private static void allFail(String sentence, List<Callable<UserError>> ranks) throws Exception {
        List<Callable<Void>> tasks = new ArrayList<>();
        for (Callable<UserError> rank : ranks) {
            tasks.add(() -> {
                String message = rank.call().getMessage();
                assertTrue(message.matches(sentence), message);
                return null;
            });
        }
        RankThreads.call(tasks);
    }

    /** The rank that comes second says what is wrong, and what can be done. */
    static void sameGpu() throws Exception {
        InetSocketAddress place = freePlace();
        List<UserError> errors = new CopyOnWriteArrayList<>();
        List<Callable<Void>> ranks = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            int rank = i;
            ranks.add(() -> {
                errors.add(assertThrows(UserError.class, () -> sit(place, rank, 2, 3, LIMITS, _ -> { })));
                return null;
            });
        }
        RankThreads.call(ranks);
        for (UserError error : errors) {
            assertTrue(error.getMessage().matches("rank [01] has the GPU of rank [01], 0000:03:00\\.0, and with NCCL"
                    + " each needs one of its own\\.?"), error.getMessage());
        }
        UserError second = errors.stream().filter(error -> error.exitCode() == UserError.MACHINE).findFirst()
                .orElseThrow();
        assertEquals("Give each rank another GPU, or let them share this one: --backend shm.", second.advice());
    }

    private static Void stay(InetSocketAddress place, int rank, CountDownLatch met, CountDownLatch end)
            throws Exception {
        sit(place, rank, 2, LIMITS, seat -> {
            seat.group().barrier().await();
            met.countDown();
            end.await();
        });
        return null;
    }

    static void start() throws Exception {
        InetSocketAddress lonely = freePlace();
        allFail("rank 1 has not come within 1 s to the start that rank [02] waits for",
                List.of(() -> joinFails(lonely, 0, 3, SHORT_START), () -> joinFails(lonely, 2, 3, SHORT_START)));
        InetSocketAddress nobody = freePlace();
        allFail("rank 0 has not come within 1 s to 127.0.0.1:\\d+, where rank 1 waits for it: .*",
                List.of(() -> joinFails(nobody, 1, 2, SHORT_START)));
        InetSocketAddress numbers = freePlace();
        allFail("rank 1 was started as one of 3 ranks, and rank 0 as one of 2",
                List.of(() -> joinFails(numbers, 0, 2, LIMITS), () -> joinFails(numbers, 1, 3, LIMITS)));
        InetSocketAddress twice = freePlace();
        allFail("rank 1 has come twice",
                List.of(() -> joinFails(twice, 0, 3, LIMITS), () -> joinFails(twice, 1, 3, LIMITS),
                        () -> joinFails(twice, 1, 3, LIMITS)));
        // In the place of a rank that has died, before rank 0 has ended: not wrong, but too early.
        InetSocketAddress begun = freePlace();
        CountDownLatch met = new CountDownLatch(2);
        CountDownLatch refused = new CountDownLatch(1);
        Callable<Void> late = () -> {
            met.await();
            UserError error = joinFails(begun, 1, 2, LIMITS);
            assertEquals("rank 1 has come to a run that another process has begun in its place", error.getMessage());
            assertEquals(UserError.LOST, error.exitCode());
            refused.countDown();
            return null;
        };
        RankThreads.call(List.of(() -> stay(begun, 0, met, refused), () -> stay(begun, 1, met, refused), late));
        assertThrows(IllegalArgumentException.class, () -> sit(twice, 3, 3, LIMITS, _ -> { }));
    }
}
