package org.airelab.distributed.group.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.airelab.base.UserError;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StoreTest {
    private static final Duration START = Duration.ofSeconds(30);
    private InetSocketAddress place;

    @BeforeEach
    void findPlace() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            place = new InetSocketAddress("127.0.0.1", socket.getLocalPort());
        }
    }

    private Store open(int rank) {
        return Store.open(place, rank, 3, START, Duration.ofSeconds(2));
    }

    @Test
    void whatOneWritesOthersRead() throws Exception {
        try (Store first = open(0); Store second = open(1); Store third = open(2)) {
            List<Store> all = List.of(first, second, third);
            for (Store writer : all) {
                writer.put("a/" + all.indexOf(writer), "old");
                writer.put("a/" + all.indexOf(writer), "of " + all.indexOf(writer));
            }
            first.put("b", "another");
            Thread.sleep(50);
            for (Store reader : all) {
                assertNull(reader.get("a/"));
                assertEquals("of 2", reader.get("a/2"));
                assertEquals(Set.of("0", "1", "2"), reader.list("a/").keySet());
                assertTrue(reader.list("a/").get("1").age() >= 50);
            }
            assertEquals("x", second.putFirst("first", "x"));
            assertEquals("x", first.putFirst("first", "y"));
            assertEquals("x", third.get("first"));
        }
    }

    @Test
    void ranksThatDieAreTold() throws Exception {
        try (Store first = open(0)) {
            open(1).close();
            try (Socket socket = new Socket(place.getAddress(), place.getPort())) {
                DataOutputStream out = new DataOutputStream(socket.getOutputStream());
                out.writeInt(StoreServer.GREETING);
                out.writeInt(2);
            }
            // Another program that has mistaken the port.
            try (Socket socket = new Socket(place.getAddress(), place.getPort())) {
                socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes());
            }
            for (int i = 0; i < 12_000 && first.list(Store.LOST).isEmpty(); i++) {
                Thread.sleep(5);
            }
            assertEquals(Set.of("2"), first.list(Store.LOST).keySet());
        }
    }

    @Test
    void rankZeroEnds() {
        Store first = open(0);
        Store second = open(1);
        Store shared = first.share();
        first.close();
        second.put("a", "b");
        shared.close();
        assertThrows(Store.Gone.class, () -> second.get("a"));
        second.close();
    }

    @Test
    void placesThatDoNotWork() throws Exception {
        try (ServerSocket taken = new ServerSocket(place.getPort())) {
            UserError error = assertThrows(UserError.class, () -> open(0));
            assertEquals(UserError.MACHINE, error.exitCode());
            assertTrue(error.getMessage().startsWith("rank 0 cannot listen at port " + taken.getLocalPort()
                    + " for the other ranks: "), error.getMessage());
        }
    }

    /** As of a new pod, whose name is made known later: the others find it when it is. */
    @Test
    void rankZeroDoesNotKnowItsName() {
        try (Store first = Store.open(InetSocketAddress.createUnresolved("no.such.host.invalid", place.getPort()), 0, 2,
                START, START); Store second = open(1)) {
            second.put("a", "b");
            assertEquals("b", first.get("a"));
        }
    }

    @Test
    void portThatTheSystemChooses() {
        for (boolean oneHost : new boolean[] {true, false}) {
            try (StoreServer server = StoreServer.open(oneHost)) {
                StorePlace told = StorePlace.read(server.place().write());
                assertEquals(server.place(), told);
                assertTrue(told.write().length() < StorePlace.BYTES, told.write());
                // A host without a network has but this one in any case.
                assertTrue(!oneHost || told.addresses().equals(List.of("127.0.0.1")), told.toString());
                try (Store client = told.reach(1).orElseThrow()) {
                    client.put("a", "b");
                    assertEquals("b", server.get("a"));
                }
                // Another run's store, where this one's was expected, is left as it was.
                assertTrue(new StorePlace(told.port(), "other", told.addresses()).reach(2).isEmpty());
                assertEquals(Set.of(), server.list(Store.LOST).keySet());
            }
            assertTrue(new StorePlace(place.getPort(), "run", List.of("127.0.0.1")).reach(1).isEmpty());
        }
    }
}
