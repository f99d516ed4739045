package org.airelab.distributed.comm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.torch.ScalarType;

/** Times calls as nccl-tests does: several calls on their way at once, the slowest rank's time counts. */
final class Stopwatch {
    private static final int REPETITIONS = 7;
    private static final int MOST_CALLS = 50;
    private static final int FEWEST_CALLS = 3;
    private static final long BYTES_PER_REPETITION = 256L << 20;

    private final ProcessGroup group;
    private final GroupMemory memory;
    private final MemorySegment first;
    private final MemorySegment second;
    private final MemorySegment number;
    private final Duration warmUp;

    /**
     * For arrays up to a size; all ranks take part.
     *
     * @param groupsOwn whether they lie where the group's collectives are fastest, or in any memory
     * @param warmUp    for calls that are not counted, before each row: until calls are compiled, which takes seconds,
     *                  the compiler's threads take their cores
     */
    Stopwatch(ProcessGroup group, GroupMemory memory, boolean groupsOwn, long largest, Duration warmUp) {
        this.group = group;
        this.memory = memory;
        first = groupsOwn ? group.allocate(largest) : memory.allocate(largest);
        second = groupsOwn ? group.allocate(largest) : memory.allocate(largest);
        number = memory.allocate(Long.BYTES);
        this.warmUp = warmUp;
    }

    /** Times one, on all ranks at once; the size is rounded down to whole float32 values of a block for each rank. */
    Measured time(Timed timed, long bytes) {
        long unit = (long) Float.BYTES * group.size();
        long whole = Math.max(1, bytes / unit) * unit;
        int calls = (int) Math.clamp(BYTES_PER_REPETITION / whole, FEWEST_CALLS, MOST_CALLS);
        MemorySegment array = first.asSlice(0, whole);
        MemorySegment other = second.asSlice(0, whole);
        // A sum of what all ranks know: they come to the same end.
        long spent = 0;
        do {
            spent += slowest(once(timed, array, other, calls));
        } while (spent < warmUp.toNanos());
        double[] nanos = new double[REPETITIONS];
        for (int i = 0; i < REPETITIONS; i++) {
            nanos[i] = (double) slowest(once(timed, array, other, calls)) / calls;
        }
        Arrays.sort(nanos);
        return new Measured(timed, whole, group.size(), nanos[REPETITIONS / 2], nanos[0], nanos[REPETITIONS - 1]);
    }

    private long once(Timed timed, MemorySegment array, MemorySegment other, int calls) {
        List<Work> works = new ArrayList<>();
        group.barrier().await();
        long start = System.nanoTime();
        for (int i = 0; i < calls; i++) {
            works.add(timed.issue(group, array, other));
        }
        works.forEach(Work::await);
        memory.synchronize();
        return System.nanoTime() - start;
    }

    private long slowest(long nanos) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocateFrom(JAVA_LONG, nanos);
            memory.write(host, number);
            group.allReduce(number, ScalarType.INT64, Reduction.MAX).await();
            memory.read(number, host);
            return host.get(JAVA_LONG, 0);
        }
    }
}
