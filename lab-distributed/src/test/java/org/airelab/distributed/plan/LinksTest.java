package org.airelab.distributed.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.mesh.MeshShape.Place;
import org.airelab.distributed.plan.Links.Group;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinksTest {
    private static final Links LINKS = new Links(Cluster.parse("h100x8x8"));

    /** How many ranks of a group are in one node, counted rank by rank. */
    private static int counted(MeshShape mesh, Function<Place, Place> group) {
        Map<String, Integer> found = new HashMap<>();
        for (int rank = 0; rank < mesh.ranks(); rank++) {
            found.merge(group.apply(mesh.place(rank)) + " in node " + rank / 8, 1, Integer::sum);
        }
        return found.values().stream().max(Integer::compare).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"dp=64", "dp=8,tp=8", "dp=4,cp=4,tp=4", "dp=4,cp=2,tp=2,pp=4", "tp=16,pp=4", "dp=2,pp=32",
        "cp=8,pp=8", "pp=64"})
    void whoSharesANode(String text) {
        MeshShape mesh = MeshShape.parse(text, OptionalInt.of(64));
        assertEquals(new Group(mesh.tp(), counted(mesh, p -> new Place(p.dp(), p.cp(), 0, p.pp()))),
                LINKS.tensor(mesh));
        assertEquals(new Group(mesh.cp(), counted(mesh, p -> new Place(p.dp(), 0, p.tp(), p.pp()))),
                LINKS.context(mesh));
        assertEquals(new Group(mesh.cp() * mesh.dp(), counted(mesh, p -> new Place(0, 0, p.tp(), p.pp()))),
                LINKS.replicas(mesh));
        assertEquals(new Group(mesh.pp(), counted(mesh, p -> new Place(p.dp(), p.cp(), p.tp(), 0))),
                LINKS.pipeline(mesh));
    }

    /** (n - 1)/n of the bytes at four fifths of the link: 450 GB/s in a node; outside 50 for each of its GPUs. */
    @Test
    void ringsAtTheSlowestHop() {
        double bytes = 1e12;
        assertEquals(7.0 / 8 * bytes / (0.8 * 450e9), LINKS.ring(new Group(8, 8), bytes), 1e-3);
        assertEquals(63.0 / 64 * bytes / (0.8 * 400e9), LINKS.ring(new Group(64, 8), bytes), 1e-3);
        assertEquals(7.0 / 8 * bytes / (0.8 * 50e9), LINKS.ring(new Group(8, 1), bytes), 1e-3);
        assertEquals(0, LINKS.ring(new Group(1, 1), bytes));
        assertEquals(0, LINKS.send(new Group(1, 1), bytes));
    }

    @Test
    void smallMessagesTakeLatency() {
        assertTrue(LINKS.ring(new Group(64, 8), 1) > LINKS.ring(new Group(8, 8), 1));
        assertTrue(LINKS.ring(new Group(8, 8), 1) > 1e-6);
    }
}
