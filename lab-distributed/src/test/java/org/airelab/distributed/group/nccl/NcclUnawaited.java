package org.airelab.distributed.group.nccl;

import static org.airelab.distributed.group.nccl.Seat.LIMITS;
import static org.airelab.distributed.group.nccl.Seat.freePlace;
import static org.airelab.distributed.group.nccl.Seat.sit;
import static org.airelab.distributed.group.nccl.Seat.standIn;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.distributed.group.store.Store;

/** Scenarios of {@link NcclScenario} in which a rank fails that no call waits for. */
final class NcclUnawaited {
    private NcclUnawaited() {
    }

    /** Rank 0 is at no call, and is told all the same what rank 1, of which there is a connection, has come to. */
    private static void unawaited(Duration silence, String sentence, Consumer<Store> rank1) throws Exception {
        Limits limits = new Limits(LIMITS.start(), LIMITS.collective(), silence);
        CountDownLatch met = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        InetSocketAddress place = freePlace();
        RankThreads.call(List.of(() -> {
            try {
                sit(place, 0, 2, limits, seat -> {
                    BlockingQueue<String> told = new LinkedBlockingQueue<>();
                    seat.group().onFailure(told::add);
                    met.countDown();
                    assertEquals(sentence, told.poll(1, TimeUnit.MINUTES));
                });
            } finally {
                met.countDown();
                over.countDown();
            }
            return null;
        }, () -> standIn(place, limits, store -> {
            met.await();
            store.put("sign/1", "7");
            rank1.accept(store);
            over.await();
        })));
    }

    static void stopped() throws Exception {
        unawaited(Duration.ofSeconds(1), "rank 1 has given no sign of life for 1 s, it may have been stopped",
                _ -> { });
    }

    static void died() throws Exception {
        unawaited(Duration.ofMinutes(1), "rank 1 has died", store -> store.put(Store.LOST + 1, ""));
    }
}
