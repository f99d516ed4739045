package org.airelab.distributed.group.nccl;

import static org.airelab.distributed.group.nccl.NcclScenario.fails;
import static org.airelab.distributed.group.nccl.Seat.LIMITS;
import static org.airelab.distributed.group.nccl.Seat.freePlace;
import static org.airelab.distributed.group.nccl.Seat.run;
import static org.airelab.distributed.group.nccl.Seat.sit;
import static org.airelab.distributed.group.nccl.Seat.standIn;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.torch.ScalarType;

/** Scenarios of {@link NcclScenario} in which a call waits in vain for a rank that has not ended. */
final class NcclInVain {
    private static final Limits SHORT_COLLECTIVE =
            new Limits(LIMITS.start(), Duration.ofSeconds(2), LIMITS.silence());

    private NcclInVain() {
    }

    /** The rank at fault is named as one of the run; so does a message that nobody sends. */
    static void late() throws Exception {
        CountDownLatch barrierOver = new CountDownLatch(1);
        run(4, SHORT_COLLECTIVE, world -> {
            ProcessGroup group = world.group().split("tp", world.group().rank() % 2);
            if (world.group().rank() == 0) {
                try {
                    UserError error = assertThrows(UserError.class, () -> group.barrier().await());
                    assertEquals("rank 2 has not done its part of barrier in group tp within 2 s", error.getMessage());
                } finally {
                    barrierOver.countDown();
                }
            } else if (world.group().rank() == 2) {
                barrierOver.await();
            }
            group.close();
        });
        CountDownLatch receiveOver = new CountDownLatch(1);
        fails(2, SHORT_COLLECTIVE, "rank 1 has not done its part of receive of 10 float32 values from rank 1 in group"
                + " world within 2 s", seat -> {
            if (seat.group().rank() == 0) {
                try {
                    seat.group().receive(seat.floats(10), ScalarType.FLOAT32, 1).await();
                } finally {
                    receiveOver.countDown();
                }
            } else {
                receiveOver.await();
            }
            seat.group().barrier().await();
        });
    }

    /** A rank whose watchdog stands still as all its process does. */
    static void stopped() throws Exception {
        Limits limits = new Limits(LIMITS.start(), LIMITS.collective(), Duration.ofSeconds(2));
        InetSocketAddress place = freePlace();
        CountDownLatch over = new CountDownLatch(1);
        RankThreads.call(List.of(() -> {
            sit(place, 0, 2, limits, seat -> {
                try {
                    UserError error = assertThrows(UserError.class, () -> seat.group().barrier().await());
                    assertEquals("rank 1 has given no sign of life for 2 s, it may have been stopped, while rank 0"
                            + " waited for it in barrier in group world", error.getMessage());
                } finally {
                    over.countDown();
                }
            });
            return null;
        }, () -> standIn(place, limits, store -> {
            // It tells where it stands once, and says no more.
            store.put("world/collectives/1", new Standing(0, null, null).write());
            over.await();
        })));
    }
}
