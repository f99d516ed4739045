package org.airelab.distributed.group.mpi;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.stream.IntStream;
import org.airelab.base.UserError;
import org.airelab.distributed.comm.CollectiveChecks;
import org.airelab.distributed.comm.GroupMemory;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.torch.ScalarType;

/** What a process that {@code mpirun} has started does in {@link MpiGroupTest}. */
final class MpiRank {
    private static final Limits LIMITS =
            new Limits(Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofMinutes(1));
    private static final Duration SILENCE = Duration.ofSeconds(3);

    private MpiRank() {
    }

    public static void main(String[] arguments) {
        try {
            run(arguments[0]);
            System.out.println("all well");
        } catch (UserError e) {
            System.out.println("error: " + e.getMessage());
            // At once, as a crash would end it: the others must not wait for this rank in MPI's own shutdown.
            System.out.flush();
            pause(Duration.ofSeconds(1));
            Runtime.getRuntime().halt(e.exitCode());
        } catch (Throwable t) {
            t.printStackTrace(System.out);
            System.out.flush();
            Runtime.getRuntime().halt(9);
        }
    }

    private static void run(String what) throws IOException, InterruptedException {
        Limits limits = switch (what) {
            case "late" -> new Limits(LIMITS.start(), Duration.ofSeconds(2), LIMITS.silence());
            case "stopped", "stopped at the end" -> new Limits(LIMITS.start(), LIMITS.collective(), SILENCE);
            default -> LIMITS;
        };
        try (MpiGroup group = MpiGroup.join(limits, true); Arena arena = Arena.ofShared()) {
            CollectiveChecks checks = new CollectiveChecks(group, GroupMemory.of(arena));
            switch (what) {
                case "collectives" -> {
                    checks.all(0, 1, 3, 1000, 100_003);
                    checks.allReduce(group.allocate(4000), ScalarType.FLOAT32, Reduction.SUM);
                }
                case "pieces" -> {
                    group.largestCount(100);
                    checks.all(99, 1001);
                }
                case "split" -> split(group, arena);
                case "mismatch" -> group.allReduce(arena.allocate(JAVA_FLOAT, 10 + group.rank()), ScalarType.FLOAT32,
                        Reduction.SUM).await();
                case "message" -> message(group, arena);
                case "late" -> late(group);
                case "stopped" -> {
                    stop(group, 1);
                    group.barrier().await();
                }
                // The others wait in MPI's own end.
                case "stopped at the end" -> stop(group, 0);
                case "abort" -> abort(group);
                case "broken" -> broken(group);
                default -> throw new IllegalArgumentException(what);
            }
        }
    }

    private static void split(ProcessGroup group, Arena arena) {
        try (ProcessGroup rows = group.split("tp", group.rank() / 2);
                ProcessGroup columns = group.split("dp", group.rank() % 2)) {
            assertEquals(2, rows.size());
            assertEquals(group.rank() / 2, columns.rank());
            assertEquals("rank " + (group.rank() / 2 * 2), rows.who(0));
            MemorySegment a = arena.allocate(JAVA_FLOAT, 100_000);
            MemorySegment b = arena.allocate(JAVA_FLOAT, 100_000);
            a.setAtIndex(JAVA_FLOAT, 99_999, 1 << group.rank());
            b.copyFrom(a);
            // Other ranks begin with the other group: neither may wait for the other.
            Work first = group.rank() < 2 ? sum(rows, a) : sum(columns, b);
            Work second = group.rank() < 2 ? sum(columns, b) : sum(rows, a);
            second.await();
            first.await();
            assertEquals(0b11 << group.rank() / 2 * 2, a.getAtIndex(JAVA_FLOAT, 99_999));
            assertEquals(0b101 << group.rank() % 2, b.getAtIndex(JAVA_FLOAT, 99_999));
            new CollectiveChecks(columns, GroupMemory.of(arena)).all(100);
        }
    }

    private static Work sum(ProcessGroup group, MemorySegment values) {
        return group.allReduce(values, ScalarType.FLOAT32, Reduction.SUM);
    }

    private static void message(ProcessGroup group, Arena arena) {
        MemorySegment values = arena.allocate(JAVA_FLOAT, 10 + group.rank());
        if (group.rank() == 0) {
            group.send(values, ScalarType.FLOAT32, 1).await();
            group.barrier().await();
        } else {
            group.receive(values, ScalarType.FLOAT32, 0).await();
        }
    }

    private static void late(ProcessGroup group) {
        if (group.rank() == 1) {
            pause(Duration.ofMinutes(2));
        }
        group.barrier().await();
    }

    /** Stops a rank, when all have given signs of life. */
    private static void stop(ProcessGroup group, int rank) throws IOException, InterruptedException {
        pause(Duration.ofSeconds(2));
        group.barrier().await();
        if (group.rank() == rank) {
            new ProcessBuilder("kill", "-STOP", Long.toString(ProcessHandle.current().pid())).start().waitFor();
        }
    }

    /** Of one group, with which all end: MPI must not go on with what was cut short. */
    private static void abort(ProcessGroup group) {
        ProcessGroup other = group.split("other", 0);
        if (group.rank() == 1) {
            other.abort("rank 1 has had enough");
        }
        group.barrier().await();
    }

    /** No call of MPI succeeds, telling the others of that included. */
    private static void broken(ProcessGroup group) {
        MemorySegment nobody = MpiLibrary.get().find("ompi_mpi_comm_null").orElseThrow();
        int[] members = IntStream.range(0, group.size()).toArray();
        try (var broken = new MpiGroup(MpiThread.get(), "broken", group.rank(), members, nobody, LIMITS, false)) {
            broken.barrier().await();
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
