package org.airelab.distributed.plan;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.function.ToDoubleFunction;
import org.airelab.config.Configurations;
import org.airelab.config.Setting;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.plan.Job.Kernels;
import org.airelab.distributed.plan.Job.Method;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.distributed.plan.Job.State;
import org.airelab.nn.ModelConfig;
import org.airelab.train.Precision;

/**
 * A run that somebody has made and told of, in a half type. What is missing takes the first of its kind: ZeRO 0,
 * nothing computed twice, fused kernels, float32 as PyTorch exchanges it, no interleaving, the model's own context.
 *
 * @param run         what it is, in words
 * @param model       a name of {@link PlanPresets}
 * @param hardware    as {@link Cluster#parse} reads it
 * @param mesh        as {@link MeshShape#parse} reads it
 * @param context     tokens of a sequence; 0 for the model's
 * @param rows        sequences of a pass of a replica
 * @param passes      of a replica in a step
 * @param zero        stage
 * @param recompute   what was computed twice
 * @param kernels     of what is no product
 * @param state       types of what was kept
 * @param interleave  pieces of a rank of the pipeline
 * @param quantity    what is told
 * @param value       how much of it
 * @param calibration whether a constant of the model was chosen looking at it
 * @param assumed     what its source does not say and was taken so; null for nothing
 */
record PublishedPoint(String run, String model, String hardware, String mesh, int context, int rows, int passes,
        int zero, Recompute recompute, Kernels kernels, State state, int interleave, Quantity quantity, double value,
        boolean calibration, String assumed) {

    /** Numbers a parameter that its rule keeps: of all these runs. */
    private static final int ADAM = 2;

    /** What is told of a run. */
    enum Quantity {
        TOKENS_PER_SECOND("%,.0f tokens/s", Plan::tokensPerSecond),
        TOKENS_PER_SECOND_PER_GPU("%,.0f tokens/s a GPU", plan -> plan.tokensPerSecond() / plan.job().mesh().ranks()),
        SECONDS_PER_STEP("%.3g s a step", plan -> plan.time().total()),
        TFLOPS_PER_GPU("%.0f TFLOP/s a GPU", plan -> plan.modelFlops() / 1e12),
        MFU_PERCENT("MFU %.0f%%", plan -> 100 * plan.mfu()),
        MEMORY_GIB("%.1f GiB", plan -> MemoryPlan.gib(plan.memory().total()));

        private final String form;
        private final ToDoubleFunction<Plan> reader;

        Quantity(String form, ToDoubleFunction<Plan> reader) {
            this.form = form;
            this.reader = reader;
        }

        double of(Plan plan) {
            return reader.applyAsDouble(plan);
        }

        String format(double value) {
            return String.format(Locale.ROOT, form, value);
        }
    }

    PublishedPoint {
        Objects.requireNonNull(run, "run");
        Objects.requireNonNull(quantity, "quantity");
        recompute = Objects.requireNonNullElse(recompute, Recompute.NONE);
        kernels = Objects.requireNonNullElse(kernels, Kernels.FUSED);
        state = Objects.requireNonNullElse(state, State.PYTORCH);
        interleave = Math.max(1, interleave);
    }

    /** What the model says of it. */
    Plan plan() {
        ModelConfig shape = PlanPresets.all().get(model).model();
        if (context > 0) {
            shape = Configurations.load(ModelConfig.class, shape, null,
                    List.of(Setting.parse("context_length=" + context)));
        }
        Cluster cluster = Cluster.parse(hardware);
        return Plan.of(new Job(shape, MeshShape.parse(mesh, OptionalInt.of(cluster.ranks())), rows, passes,
                new Method(Precision.BF16, state, ADAM, zero, recompute, kernels, interleave)), cluster);
    }

    /** Predicted over published, less 1. */
    double error() {
        return quantity.of(plan()) / value - 1;
    }
}
