package org.airelab.distributed.group;

import java.time.Duration;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/** How long a rank waits for others to start. When it gets long, it says on standard error, once, for whom it waits. */
public final class StartWait {
    private static final Duration SILENT = Duration.ofSeconds(5);
    /** Of shorter limits, the part after which it is long. */
    private static final int PART = 12;

    private final int rank;
    private final Duration limit;
    private final LongSupplier clock;
    private final long start;
    private boolean told;

    /** Begins now. */
    public StartWait(int rank, Duration limit) {
        this(rank, limit, System::nanoTime);
    }

    /** @param clock in nanoseconds */
    StartWait(int rank, Duration limit, LongSupplier clock) {
        this.rank = rank;
        this.limit = limit;
        this.clock = clock;
        this.start = clock.getAsLong();
    }

    /** What is left of the time; zero or less when it is over. */
    public Duration left() {
        return limit.minusNanos(clock.getAsLong() - start);
    }

    /** Whether the time is over. */
    public boolean over() {
        return !left().isPositive();
    }

    /** To be called again and again while others are missing, with words for what it waits for. */
    public void missing(String whom) {
        Duration part = limit.dividedBy(PART);
        if (!told && limit.minus(left()).compareTo(part.compareTo(SILENT) < 0 ? part : SILENT) >= 0) {
            told = true;
            System.err.println("rank " + rank + " waits for " + whom + ", until "
                    + LocalTime.now().plus(left()).truncatedTo(ChronoUnit.SECONDS) + " at most");
        }
    }

    /** Ranks in words: rank 3, or ranks 1-4, 6. */
    public static String ranks(IntStream some) {
        List<int[]> runs = new ArrayList<>();
        some.sorted().forEach(i -> {
            if (!runs.isEmpty() && runs.getLast()[1] == i - 1) {
                runs.getLast()[1] = i;
            } else {
                runs.add(new int[] {i, i});
            }
        });
        boolean one = runs.size() == 1 && runs.getFirst()[0] == runs.getFirst()[1];
        return (one ? "rank " : "ranks ") + String.join(", ", runs.stream()
                .map(run -> run[0] == run[1] ? "" + run[0] : run[0] + "-" + run[1]).toList());
    }
}
