package org.airelab.distributed.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalInt;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.plan.Job.Kernels;
import org.airelab.distributed.plan.Job.Method;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.distributed.plan.Job.State;
import org.airelab.nn.ModelConfig;
import org.airelab.train.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class StepTimeTest {
    private static final ModelConfig LLAMA = PlanPresets.all().get("llama2-7b").model();
    /** Almost no head: the stages of a pipeline are equal. */
    private static final ModelConfig HEADLESS = LLAMA.withVocabSize(2);

    private static Plan plan(ModelConfig model, String hardware, String mesh, int passes, int zero, Recompute recompute,
            int interleave) {
        return plan(State.FLOAT32, model, hardware, mesh, passes, zero, recompute, interleave);
    }

    private static Plan plan(State state, ModelConfig model, String hardware, String mesh, int passes, int zero,
            Recompute recompute, int interleave) {
        return Plan.of(new Job(model, MeshShape.parse(mesh, OptionalInt.empty()), 1, passes,
                new Method(Precision.BF16, state, 2, zero, recompute, Kernels.FUSED, interleave)),
                Cluster.parse(hardware));
    }

    /** Of other software. */
    private static Plan others(String mesh, int zero, Recompute recompute) {
        return plan(State.PYTORCH, LLAMA, "h100x8", mesh, 4, zero, recompute, 1);
    }

    private static Flow flow(Plan plan, String operation) {
        return plan.flows().stream().filter(flow -> flow.operation().startsWith(operation)).findFirst().orElseThrow();
    }

    /** (p - 1)/(m + p - 1) of a pipeline's time; with v pieces a rank, (p - 1)/(v m + p - 1). */
    @ParameterizedTest
    @CsvSource({"2,8,1", "4,8,1", "4,8,2", "8,64,4", "4,1,1"})
    void bubble(int stages, int passes, int pieces) {
        Plan plan = plan(HEADLESS, "h100x8", "pp=" + stages, passes, 0, Recompute.NONE, pieces);
        StepTime time = plan.time();
        double busy = time.products() + time.attention() + time.memory() + time.exposed();
        assertEquals((stages - 1.0) / (pieces * passes + stages - 1), time.bubble() / (time.bubble() + busy), 0.01);
    }

    /** No product is faster than the sustained part of the peak, and a step's are 6 operations a weight and token. */
    @ParameterizedTest
    @EnumSource(Recompute.class)
    void products(Recompute recompute) {
        Plan plan = plan(LLAMA, "h100x1", "dp=1", 4, 0, recompute, 1);
        double layers = LLAMA.layers() * LayerWork.of(plan.job()).weights();
        double head = (double) LLAMA.dim() * LLAMA.vocabSize();
        double again = switch (recompute) {
            case NONE -> 0;
            case SELECTIVE -> 1;
            case FULL -> 2;
        };
        double flops = (6 * (layers + head) + again * layers) * plan.job().tokensPerStep();
        double least = flops / (989e12 * plan.cluster().gpu().sustained());
        assertTrue(plan.time().products() > least && plan.time().products() < 1.15 * least,
                plan.time().products() + " and at best " + least);
    }

    /** Bytes a rank of other software sends, counted by hand; those of the lab's are counted in CountedTrafficTest. */
    @Test
    void volumesOfOthers() {
        Plan replicas = others("dp=8", 0, Recompute.NONE);
        double parameters = LLAMA.parameterCount();
        assertEquals(2 * 7 / 8.0 * 4 * parameters, flow(replicas, "all-reduce").bytes(), 1e-3 * 8 * parameters);
        for (int zero = 1; zero <= 2; zero++) {
            Plan divided = others("dp=8", zero, Recompute.NONE);
            assertEquals(flow(replicas, "all-reduce").bytes(),
                    flow(divided, "reduce-scatter").bytes() + flow(divided, "all-gather").bytes(), 1);
        }
        Plan gathered = others("dp=8", 3, Recompute.NONE);
        assertEquals(4 * 7 / 8.0 * 4 * parameters, flow(gathered, "reduce-scatter").bytes(), 1e-3 * 16 * parameters);
        double ends = 2.0 * LLAMA.dim() * LLAMA.vocabSize();
        assertEquals(4 * 7 / 8.0 * 2 * (2 * parameters - ends), flow(gathered, "all-gather").bytes(),
                1e-3 * 16 * parameters);
        double stream = 2.0 * LLAMA.contextLength() * LLAMA.dim();
        Plan tensor = others("tp=8", 0, Recompute.NONE);
        assertEquals(4 * 32 * 4 * 2 * 7 / 8.0 * stream, flow(tensor, "all-reduce").bytes(), 1);
        Plan twice = others("tp=8", 0, Recompute.FULL);
        assertEquals(1.5 * flow(tensor, "all-reduce").bytes(), flow(twice, "all-reduce").bytes(), 1);
        Plan context = others("cp=8", 0, Recompute.NONE);
        assertEquals(4 * 32 * 3 * 7 * 2 * stream / 8, flow(context, "ring").bytes(), 1);
        Plan pipeline = others("pp=8", 0, Recompute.NONE);
        assertEquals(4 * 2 * stream, flow(pipeline, "sends").bytes(), 1);
    }

    /**
     * Of the lab's ring in a half type (RingAttentionTest counts it): keys and values twice, or three times, and
     * float32 sums of their gradients once.
     */
    @Test
    void ringInAHalfType() {
        double round = 7 * 2.0 * LLAMA.contextLength() / 8 * LLAMA.dim() * 4 * 32;
        assertEquals((2 * 2 + 4) * round, flow(plan(LLAMA, "h100x8", "cp=8", 4, 0, Recompute.NONE, 1), "ring").bytes());
        assertEquals((3 * 2 + 4) * round, flow(plan(LLAMA, "h100x8", "cp=8", 4, 0, Recompute.FULL, 1), "ring").bytes());
    }

    /** What tensor parallelism gathers and scatters in the backward pass hides behind products, if links are fast. */
    @Test
    void hiddenBehindProducts() {
        Flow near = flow(plan(LLAMA, "h100x8", "tp=2", 4, 0, Recompute.NONE, 1), "gathers");
        assertEquals(0.6, near.exposed() / near.seconds(), 0.05);
        Flow far = flow(plan(LLAMA, "a100x1x8", "tp=8", 4, 0, Recompute.NONE, 1), "gathers");
        assertTrue(far.exposed() > 0.8 * far.seconds(), far.exposed() + " of " + far.seconds());
    }

    /** With ZeRO-2 gradients are summed in every pass, behind the backward half, which takes no longer for it. */
    @Test
    void sumsOfEveryPass() {
        Plan once = plan(LLAMA, "h100x8", "dp=8", 4, 1, Recompute.NONE, 1);
        Plan each = plan(LLAMA, "h100x8", "dp=8", 4, 2, Recompute.NONE, 1);
        assertEquals(4 * flow(once, "reduce-scatter").bytes(), flow(each, "reduce-scatter").bytes(), 1);
        assertEquals(once.time().total(), each.time().total(), 0.01 * once.time().total());
        Plan slow = plan(LLAMA, "a100x1x8", "dp=8", 4, 2, Recompute.NONE, 1);
        assertTrue(slow.time().exposed()
                > 1.5 * plan(LLAMA, "a100x1x8", "dp=8", 4, 1, Recompute.NONE, 1).time().exposed());
    }

    /** One rank sends nothing and waits for nobody. */
    @Test
    void oneRank() {
        Plan plan = plan(LLAMA, "h200x1", "dp=1", 4, 0, Recompute.NONE, 1);
        assertTrue(plan.flows().isEmpty());
        assertEquals(0, plan.time().exposed() + plan.time().bubble() + plan.time().stragglers());
    }

    /** Gradients hide behind the last backward pass where links are fast and do not where they are slow. */
    @Test
    void hiddenAndExposed() {
        Flow near = flow(plan(LLAMA, "h100x8", "dp=8", 4, 0, Recompute.NONE, 1), "all-reduce");
        assertEquals(0.1 * near.seconds(), near.exposed(), 1e-9);
        Flow far = flow(plan(LLAMA, "a100x1x8", "dp=8", 4, 0, Recompute.NONE, 1), "all-reduce");
        assertTrue(far.network() && !near.network());
        assertTrue(far.exposed() > 0.5 * far.seconds(), far.exposed() + " of " + far.seconds());
        assertEquals("communication", plan(LLAMA, "a100x1x8", "tp=8", 4, 0, Recompute.NONE, 1).time().limit());
    }

    /** fp32 is slower than bf16, and never at the rate of the half types. */
    @Test
    void precision() {
        Job half = new Job(LLAMA, MeshShape.ONE, 1, 1,
                new Method(Precision.BF16, State.FLOAT32, 2, 0, Recompute.NONE, Kernels.FUSED, 1));
        Job wide = new Job(LLAMA, MeshShape.ONE, 1, 1,
                new Method(Precision.FP32, State.FLOAT32, 2, 0, Recompute.NONE, Kernels.FUSED, 1));
        Cluster cluster = Cluster.parse("h100x1");
        double ratio = Plan.of(wide, cluster).time().products() / Plan.of(half, cluster).time().products();
        assertEquals(989.0 / 67, ratio, 0.5);
        assertTrue(Plan.of(wide, cluster).mfu() < 1);
    }
}
