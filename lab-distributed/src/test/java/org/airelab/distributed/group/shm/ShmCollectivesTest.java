package org.airelab.distributed.group.shm;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.airelab.distributed.comm.CollectiveChecks;
import org.airelab.distributed.comm.GroupMemory;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All collectives of {@link ShmGroup} among ranks that are threads of this process. */
class ShmCollectivesTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 8})
    void everyCollective(int size) throws Exception {
        RankThreads.run(size, RankThreads.LIMITS, group -> {
            try (Arena arena = Arena.ofShared()) {
                new CollectiveChecks(group, GroupMemory.of(arena)).all(0, 1, 3, 1000);
            }
        });
    }

    /** More than all stages, and the ring of messages, hold. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void largerThanStaging(int size) throws Exception {
        RankThreads.run(size, RankThreads.LIMITS, group -> {
            try (Arena arena = Arena.ofShared()) {
                new CollectiveChecks(group, GroupMemory.of(arena)).all(5L * Board.STAGE_BYTES / Float.BYTES + 17);
            }
        });
    }

    @Test
    void sixtyFourRanks() throws Exception {
        RankThreads.run(64, RankThreads.LIMITS, group -> {
            try (Arena arena = Arena.ofShared()) {
                CollectiveChecks checks = new CollectiveChecks(group, GroupMemory.of(arena));
                checks.allReduce(checks.array(ScalarType.FLOAT32, 70_001), ScalarType.FLOAT32, Reduction.SUM);
            }
        });
    }

    /** The same bits from memory of the group's own, whole or a part of it, as from private memory. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void sharedMemory(int size) throws Exception {
        int count = 100_003;
        RankThreads.run(size, RankThreads.LIMITS, group -> {
            MemorySegment first = group.allocate(10);
            MemorySegment memory = group.allocate((size + 1) * (count + 1L) * Float.BYTES);
            assertEquals(10, first.byteSize());
            MemorySegment shared = memory.asSlice(4, 4L * count);
            MemorySegment blocks = memory.asSlice(8 + 4L * count, 4L * count * size);
            try (Arena arena = Arena.ofShared()) {
                CollectiveChecks checks = new CollectiveChecks(group, GroupMemory.of(arena));
                checks.allReduce(shared, ScalarType.FLOAT32, Reduction.SUM);
                checks.allReduce(shared, ScalarType.BFLOAT16, Reduction.SUM);
                checks.allReduce(shared, ScalarType.FLOAT16, Reduction.MAX);
                checks.allReduce(memory.asSlice(0, 8L * 50_001), ScalarType.INT64, Reduction.SUM);

                MemorySegment local = arena.allocate(JAVA_FLOAT, count);
                fill(local, group.rank());
                shared.copyFrom(local);
                group.allReduce(shared, ScalarType.FLOAT32, Reduction.SUM).await();
                group.allReduce(local, ScalarType.FLOAT32, Reduction.SUM).await();
                assertEquals(-1, shared.mismatch(local));

                group.allGather(local, blocks, ScalarType.FLOAT32).await();
                MemorySegment mine = blocks.asSlice(4L * count * group.rank(), 4L * count);
                fill(mine, group.rank() + 100);
                group.allGather(mine, blocks, ScalarType.FLOAT32).await();
                for (int i = 0; i < size; i++) {
                    fill(local, i + 100);
                    assertEquals(-1, local.mismatch(blocks.asSlice(4L * count * i, 4L * count)), "block " + i);
                }
                group.barrier().await();
                group.reduceScatter(blocks, mine, ScalarType.FLOAT32, Reduction.SUM).await();
                fill(local, group.rank() + 100);
                for (int i = 0; i < count; i++) {
                    float expected = 0;
                    for (int j = 0; j < size; j++) {
                        expected += local.getAtIndex(JAVA_FLOAT, i);
                    }
                    assertEquals(expected, mine.getAtIndex(JAVA_FLOAT, i));
                }

                fill(shared, group.rank());
                group.broadcast(shared, ScalarType.FLOAT32, size - 1).await();
                fill(local, size - 1);
                assertEquals(-1, local.mismatch(shared));
            }
        });
    }

    private static void fill(MemorySegment floats, int seed) {
        Random random = new Random(seed);
        for (long i = 0; i < floats.byteSize() / 4; i++) {
            floats.setAtIndex(JAVA_FLOAT, i, random.nextFloat() - 0.5f);
        }
    }

    /** A mesh of 2 by 2: both kinds of groups at work at once, on every rank. */
    @Test
    void subGroupsAtOnce() throws Exception {
        RankThreads.run(4, RankThreads.LIMITS, group -> {
            try (ProcessGroup rows = group.split("tp", group.rank() / 2);
                    ProcessGroup columns = group.split("dp", group.rank() % 2);
                    Arena arena = Arena.ofShared()) {
                assertEquals(2, rows.size());
                assertEquals(group.rank() % 2, rows.rank());
                assertEquals(group.rank() / 2, columns.rank());
                assertEquals("rank " + (group.rank() / 2 * 2), rows.who(0));
                List<Work> works = new ArrayList<>();
                List<MemorySegment> sums = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    for (ProcessGroup each : List.of(rows, columns, group)) {
                        MemorySegment values = arena.allocate(JAVA_FLOAT, 100_000);
                        values.setAtIndex(JAVA_FLOAT, 99_999, 1 << group.rank());
                        sums.add(values);
                        works.add(each.allReduce(values, ScalarType.FLOAT32, Reduction.SUM));
                    }
                }
                works.reversed().forEach(Work::await);
                for (int i = 0; i < sums.size(); i++) {
                    int members = switch (i % 3) {
                        case 0 -> 0b11 << group.rank() / 2 * 2;
                        case 1 -> 0b101 << group.rank() % 2;
                        default -> 0b1111;
                    };
                    assertEquals(members, sums.get(i).getAtIndex(JAVA_FLOAT, 99_999));
                }
                new CollectiveChecks(columns, GroupMemory.of(arena)).all(100);
            }
        });
    }

    /** A name is there only until all have the file open, so that a crash leaves none. */
    @Test
    void namesGoAtOnce(@TempDir Path folder) throws Exception {
        RankThreads.run(List.of(folder), 3, RankThreads.LIMITS, group -> {
            try (ProcessGroup part = group.split("part", group.rank() % 2); Arena arena = Arena.ofShared()) {
                part.allocate(1000);
                new CollectiveChecks(group, GroupMemory.of(arena)).all(1);
                group.barrier().await();
                try (Stream<Path> files = Files.list(folder)) {
                    assertEquals(List.of(), files.toList());
                }
            }
        });
    }
}
