package org.airelab.distributed.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.distributed.pipeline.Action.Kind;
import org.airelab.nn.Stage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Schedules as they would run on ranks of equal speed that do nothing but wait for the next message they need. */
class PipelineScheduleTest {
    /** Time of a stage's passes, which can be divided by every number of chunks. */
    private static final int FORWARD = 12;
    private static final int BACKWARD = 24;

    /** A message on its way. */
    private record Message(Kind kind, int microBatch, int stage, long at) {
    }

    /** Ranks that run a schedule together. */
    private static final class Simulation {
        private final PipelinePlan plan;
        private final int microBatches;
        private final List<Deque<Action>> left = new ArrayList<>();
        private final long[] clocks;
        private final int[] live;
        private final int[] mostLive;
        private final long[] worked;
        /** By sender and receiver, in the order in which they were sent. */
        private final Map<List<Integer>, Deque<Message>> sent = new HashMap<>();
        private final Set<Message> done = new HashSet<>();

        Simulation(PipelinePlan plan, int microBatches) {
            this.plan = plan;
            this.microBatches = microBatches;
            clocks = new long[plan.ranks()];
            live = new int[plan.ranks()];
            mostLive = new int[plan.ranks()];
            worked = new long[plan.ranks()];
            for (int rank = 0; rank < plan.ranks(); rank++) {
                left.add(new ArrayDeque<>(plan.actions(rank, microBatches)));
            }
        }

        /** To the end; fails where ranks wait for each other. */
        void run() {
            boolean news = true;
            while (news) {
                news = false;
                for (int rank = 0; rank < plan.ranks(); rank++) {
                    while (!left.get(rank).isEmpty() && act(rank, left.get(rank).element())) {
                        left.get(rank).remove();
                        news = true;
                    }
                }
            }
            assertTrue(left.stream().allMatch(Deque::isEmpty), "they wait for each other: " + left);
            assertTrue(sent.values().stream().allMatch(Deque::isEmpty), "nobody has received " + sent);
            assertEquals(2 * microBatches * plan.ranks() * plan.chunks(), done.size());
        }

        /** Whether a rank could do it. The next message of a rank must be the one that is needed. */
        private boolean act(int rank, Action action) {
            int p = plan.ranks();
            int last = p * plan.chunks() - 1;
            int stage = action.chunk() * p + rank;
            boolean forward = action.kind() == Kind.FORWARD;
            int from = forward ? stage - 1 : stage + 1;
            long ready = clocks[rank];
            if (from >= 0 && from <= last) {
                Deque<Message> arriving = sent.getOrDefault(List.of(from % p, rank), new ArrayDeque<>());
                if (arriving.isEmpty()) {
                    return false;
                }
                Message next = arriving.remove();
                assertEquals(new Message(action.kind(), action.microBatch(), stage, next.at), next);
                ready = Math.max(ready, next.at);
            }
            if (!forward) {
                assertTrue(done.contains(new Message(Kind.FORWARD, action.microBatch(), stage, 0)));
            }
            assertTrue(done.add(new Message(action.kind(), action.microBatch(), stage, 0)));
            long takes = (forward ? FORWARD : BACKWARD) / plan.chunks();
            clocks[rank] = ready + takes;
            worked[rank] += takes;
            live[rank] += forward ? 1 : -1;
            mostLive[rank] = Math.max(mostLive[rank], live[rank]);
            int to = forward ? stage + 1 : stage - 1;
            if (to >= 0 && to <= last) {
                sent.computeIfAbsent(List.of(rank, to % p), _ -> new ArrayDeque<>())
                        .add(new Message(action.kind(), action.microBatch(), to, clocks[rank]));
            }
            return true;
        }

        double idle(int rank) {
            long end = Stream.of(clocks).flatMapToLong(java.util.Arrays::stream).max().orElseThrow();
            return (end - worked[rank]) / (double) end;
        }
    }

    private static PipelinePlan plan(PipelineSchedule schedule, int ranks, int chunks) {
        return new PipelinePlan(schedule, ranks, chunks, 2 * ranks * chunks + 1);
    }

    static Stream<Simulation> simulations() {
        List<Simulation> all = new ArrayList<>();
        for (int p : new int[] {1, 2, 3, 4, 5, 8}) {
            for (int m : new int[] {1, 2, 3, 4, 7, 9, 16}) {
                all.add(new Simulation(plan(PipelineSchedule.AFAB, p, 1), m));
                all.add(new Simulation(plan(PipelineSchedule.ONE_F_ONE_B, p, 1), m));
            }
            for (int v : new int[] {2, 3, 4}) {
                for (int groups : new int[] {1, 2, 3, 5}) {
                    all.add(new Simulation(plan(PipelineSchedule.INTERLEAVED, p, v), groups * p));
                }
            }
        }
        return all.stream();
    }

    /**
     * Nobody waits for ever, every pass is made once, messages come in the order in which they are taken, and the idle
     * part of the time is the formula's.
     */
    @Test
    void everyScheduleEndsAfterTheTimeOfTheFormula() {
        simulations().forEach(simulation -> {
            simulation.run();
            for (int rank = 0; rank < simulation.plan.ranks(); rank++) {
                assertEquals(simulation.plan.bubble(simulation.microBatches), simulation.idle(rank), 1e-12,
                        () -> simulation.plan + " of " + simulation.microBatches);
            }
        });
    }

    @Test
    void livePasses() {
        simulations().forEach(simulation -> {
            simulation.run();
            int p = simulation.plan.ranks();
            int m = simulation.microBatches;
            int v = simulation.plan.chunks();
            for (int rank = 0; rank < p; rank++) {
                assertEquals(switch (simulation.plan.schedule()) {
                    case AFAB -> m;
                    case ONE_F_ONE_B -> Math.min(m, p - rank);
                    case INTERLEAVED -> Math.min(m * v, 2 * (p - 1 - rank) + (v - 1) * p + 1);
                }, simulation.mostLive[rank]);
            }
        });
    }

    /** Buckets of gradients go from the end of the flat buffers: the last backward passes of chunks must, too. */
    @Test
    void chunksEndLastToFirst() {
        simulations().forEach(simulation -> {
            for (Deque<Action> actions : simulation.left) {
                List<Integer> ends = actions.stream().filter(action -> action.kind() == Kind.BACKWARD
                        && action.microBatch() == simulation.microBatches - 1).map(Action::chunk).toList();
                assertEquals(simulation.plan.chunks(), ends.size());
                for (int i = 0; i < ends.size(); i++) {
                    assertEquals(ends.size() - 1 - i, ends.get(i));
                }
            }
        });
    }

    /** Narayanan et al. 2021, figure 4: the first and the last of four ranks, eight micro-batches, two chunks. */
    @Test
    void theInterleavedScheduleOfThePaper() {
        List<Action> first = plan(PipelineSchedule.INTERLEAVED, 4, 2).actions(0, 8);
        assertEquals("F00 F10 F20 F30 F01 F11 F21 F31 F40 F50 F60 B01 F70 B11 F41 B21 F51 B31", text(first, 18));
        List<Action> last = plan(PipelineSchedule.INTERLEAVED, 4, 2).actions(3, 8);
        assertEquals("F00 F10 F20 F30 F01 B01 F11 B11 F21 B21 F31 B31 F40 B00 F50 B10", text(last, 16));
        assertEquals("F00 F10 F20 B00 F30 B10 F40 B20 B30 B40",
                text(plan(PipelineSchedule.ONE_F_ONE_B, 4, 1).actions(1, 5), 10));
    }

    private static String text(List<Action> actions, int count) {
        return String.join(" ", actions.stream().limit(count)
                .map(a -> a.kind().name().substring(0, 1) + a.microBatch() + a.chunk()).toList());
    }

    @Test
    void layersAreDividedEvenlyTheFirstStagesOneMore() {
        PipelinePlan three = new PipelinePlan(PipelineSchedule.AFAB, 3, 1, 5);
        assertEquals(List.of(new Stage(0, 3, 7)), three.stages(0));
        assertEquals(List.of(new Stage(3, 5, 7)), three.stages(1));
        assertEquals(List.of(new Stage(5, 7, 7)), three.stages(2));
        PipelinePlan chunks = new PipelinePlan(PipelineSchedule.INTERLEAVED, 2, 2, 6);
        assertEquals(List.of(new Stage(0, 3, 8), new Stage(5, 6, 8)), chunks.stages(0));
        assertEquals(List.of(new Stage(3, 5, 8), new Stage(6, 8, 8)), chunks.stages(1));
        assertEquals(List.of(Stage.whole(org.airelab.distributed.ParallelTraining.llama(4, true))),
                new PipelinePlan(PipelineSchedule.ONE_F_ONE_B, 1, 1, 4).stages(0));
    }

    private static void refused(String sentence, org.junit.jupiter.api.function.Executable deed) {
        UserError error = assertThrows(UserError.class, deed);
        assertEquals(sentence, error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }

    @Test
    void whatCannotBeIsRefused() {
        refused("a pipeline of 4 ranks with 1 stage each needs at least 4 layers, and the model has 3.",
                () -> new PipelinePlan(PipelineSchedule.AFAB, 4, 1, 3));
        refused("a pipeline of 2 ranks with 3 stages each needs at least 6 layers, and the model has 5.",
                () -> new PipelinePlan(PipelineSchedule.INTERLEAVED, 2, 3, 5));
        refused("the schedule 1f1b gives a rank 1 chunk of layers, found 2.",
                () -> new PipelinePlan(PipelineSchedule.ONE_F_ONE_B, 2, 2, 8));
        refused("the schedule interleaved gives a rank at least 2 chunks of layers, found 1.",
                () -> new PipelinePlan(PipelineSchedule.INTERLEAVED, 2, 1, 8));
        refused("the schedule interleaved takes the passes of a step in groups of 4, one a rank of the pipeline, and"
                + " there are 6.", () -> plan(PipelineSchedule.INTERLEAVED, 4, 2).actions(0, 6));
        refused("the schedule of a pipeline is afab, 1f1b or interleaved, found gpipe.",
                () -> PipelineSchedule.parse("gpipe"));
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void schedulesAreWrittenAsTheyAreRead(PipelineSchedule schedule) {
        assertEquals(schedule, PipelineSchedule.parse(schedule.toString()));
    }

    static Stream<PipelineSchedule> schedules() {
        return Stream.of(PipelineSchedule.values());
    }
}
