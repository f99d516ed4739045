package org.airelab.distributed.dataparallel;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.torch.ScalarType;

/** Small things that ranks tell each other. */
final class Exchange {
    private Exchange() {
    }

    /** All ranks' numbers, in their order; every rank comes with as many. */
    static long[][] all(ProcessGroup group, long... mine) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment all = arena.allocate(JAVA_LONG, (long) group.size() * mine.length);
            group.allGather(arena.allocateFrom(JAVA_LONG, mine), all, ScalarType.INT64).await();
            long[] numbers = all.toArray(JAVA_LONG);
            long[][] result = new long[group.size()][];
            Arrays.setAll(result, i -> Arrays.copyOfRange(numbers, i * mine.length, (i + 1) * mine.length));
            return result;
        }
    }

    /** The sum of all ranks' numbers in float64, in the order of the ranks: the same bits on each. */
    static double sum(ProcessGroup group, double mine) {
        return Arrays.stream(all(group, Double.doubleToRawLongBits(mine)))
                .mapToDouble(one -> Double.longBitsToDouble(one[0])).sum();
    }

    static double mean(ProcessGroup group, double mine) {
        return sum(group, mine) / group.size();
    }

    /** Rank 0's numbers, on all ranks. */
    static long[] fromFirst(ProcessGroup group, long... numbers) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocateFrom(JAVA_LONG, numbers);
            group.broadcast(memory, ScalarType.INT64, 0).await();
            return memory.toArray(JAVA_LONG);
        }
    }
}
