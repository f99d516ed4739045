package org.airelab.distributed.mesh;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Test;

class MeshTest {
    /** The ranks of a group in its order, as ranks of the run. */
    private static long[] members(ProcessGroup group, int rank) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment all = arena.allocate(ValueLayout.JAVA_LONG, group.size());
            group.allGather(arena.allocateFrom(ValueLayout.JAVA_LONG, rank), all, ScalarType.INT64).await();
            return all.toArray(ValueLayout.JAVA_LONG);
        }
    }

    @Test
    void groupsAreLinesAndPlanesOfTheGrid() throws Exception {
        RankThreads.run(8, RankThreads.LIMITS, world -> {
            int rank = world.rank();
            try (Mesh mesh = new Mesh(world, new MeshShape(2, 1, 2, 2))) {
                int tensor = rank / 2 * 2;
                assertArrayEquals(new long[] {tensor, tensor + 1}, members(mesh.tensor(), rank));
                int replicas = rank / 4 * 4 + rank % 2;
                assertArrayEquals(new long[] {replicas, replicas + 2}, members(mesh.replicas(), rank));
                assertArrayEquals(new long[] {rank % 4, rank % 4 + 4}, members(mesh.pipeline(), rank));
                int model = rank % 4 / 2 * 2;
                assertArrayEquals(new long[] {model, model + 1, model + 4, model + 5}, members(mesh.model(), rank));
                assertNull(mesh.context());
            }
        });
    }

    @Test
    void replicasSpanDataAndContext() throws Exception {
        RankThreads.run(4, RankThreads.LIMITS, world -> {
            try (Mesh mesh = new Mesh(world, new MeshShape(2, 2, 1, 1))) {
                assertSame(world, mesh.replicas());
                assertEquals(world.rank() % 2, mesh.context().rank());
                assertNull(mesh.model());
            }
        });
    }

    @Test
    void aWorldOfOneHasReplicasAlone() throws Exception {
        RankThreads.run(1, RankThreads.LIMITS, world -> {
            try (Mesh mesh = new Mesh(world, MeshShape.ONE)) {
                assertSame(world, mesh.replicas());
                assertNull(mesh.context());
                assertNull(mesh.tensor());
                assertNull(mesh.pipeline());
                assertNull(mesh.model());
            }
        });
    }

    @Test
    void aMeshOfOtherRanksIsRefused() throws Exception {
        RankThreads.run(2, RankThreads.LIMITS, world -> assertThrows(IllegalArgumentException.class,
                () -> new Mesh(world, MeshShape.replicas(3))));
    }
}
