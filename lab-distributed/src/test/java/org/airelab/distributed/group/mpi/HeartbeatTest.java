package org.airelab.distributed.group.mpi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.store.Store;
import org.airelab.distributed.group.store.StorePlace;
import org.airelab.distributed.group.store.StoreServer;
import org.junit.jupiter.api.Test;

/** {@link Heartbeat} among ranks that are threads; {@link MpiGroupTest} has it among processes that are stopped. */
class HeartbeatTest {
    private static final Limits LIMITS =
            new Limits(Duration.ofSeconds(60), Duration.ofMinutes(10), Duration.ofSeconds(4));
    private final BlockingQueue<String> told = new LinkedBlockingQueue<>();

    private Heartbeat heartbeat(StorePlace place, Store kept, int rank, int size) {
        return new Heartbeat(place, kept, rank, size, LIMITS, reason -> told.add("to " + rank + ": " + reason));
    }

    private List<String> nextTwo() throws InterruptedException {
        String first = told.poll(1, TimeUnit.MINUTES);
        return List.of(first, told.poll(1, TimeUnit.MINUTES)).stream().sorted().toList();
    }

    /** Of the rank that is stopped there is only what others know of it: a sign, and a connection that stays. */
    @Test
    void rankThatStandsStill() throws Exception {
        StoreServer server = StoreServer.open(true);
        Store stopped = server.place().reach(1).orElseThrow();
        stopped.put("sign/1", "7");
        try (Heartbeat first = heartbeat(server.place(), server, 0, 3);
                Heartbeat third = heartbeat(server.place(), null, 2, 3)) {
            String sentence = "rank 1 has given no sign of life for 4 s, it may have been stopped";
            assertEquals(List.of("to 0: " + sentence, "to 2: " + sentence), nextTwo());
        }
        stopped.close();
    }

    /** Ranks end at different times, rank 0 not last; one has been killed, one is behind a firewall. */
    @Test
    void nobodyStandsStill() throws Exception {
        PrintStream standard = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        StoreServer server = StoreServer.open(true);
        StorePlace place = server.place();
        try (Heartbeat second = heartbeat(place, null, 1, 5);
                Heartbeat unreached = heartbeat(new StorePlace(closedPort(), place.run(), place.addresses()), null, 3,
                        5)) {
            server.put("sign/4", "7");
            server.put(Store.LOST + 4, "");
            try (Heartbeat first = heartbeat(place, server, 0, 5)) {
                try (Heartbeat third = heartbeat(place, null, 2, 5)) {
                    while (server.get("sign/2") == null) {
                        Thread.sleep(10);
                    }
                }
                assertEquals("left", server.get("sign/2"));
                assertNull(told.poll(6, TimeUnit.SECONDS));
            }
            assertNull(told.poll(6, TimeUnit.SECONDS));
        } finally {
            System.setErr(standard);
        }
        assertEquals("warning: rank 3 cannot connect to rank 0 (" + place + "): when one of them stands still, it is"
                + " noticed only after 600 s", said.toString(StandardCharsets.UTF_8).strip());
    }

    @Test
    void whomItWouldMiss() throws Exception {
        StoreServer server = StoreServer.open(true);
        StorePlace place = server.place();
        try (Heartbeat first = heartbeat(place, server, 0, 3);
                Heartbeat second = heartbeat(place, null, 1, 3);
                Heartbeat unreached = heartbeat(new StorePlace(closedPort(), place.run(), place.addresses()), null, 2,
                        3)) {
            await(second, true);
            assertFalse(first.reachesAll());
            assertFalse(unreached.reachesAll());
            try (Heartbeat third = heartbeat(place, null, 2, 3)) {
                await(third, true);
                await(first, true);
            }
            server.put(Store.LOST + 1, "");
            await(first, false);
        }
    }

    private static void await(Heartbeat heartbeat, boolean reachesAll) throws InterruptedException {
        for (int i = 0; i < 6000 && heartbeat.reachesAll() != reachesAll; i++) {
            Thread.sleep(10);
        }
        assertEquals(reachesAll, heartbeat.reachesAll());
    }

    private static int closedPort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
