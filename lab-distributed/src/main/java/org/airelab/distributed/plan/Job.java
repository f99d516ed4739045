package org.airelab.distributed.plan;

import java.util.Optional;
import org.airelab.base.UserError;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.pipeline.PipelinePlan;
import org.airelab.distributed.pipeline.PipelineSchedule;
import org.airelab.distributed.tensorparallel.TensorParallel;
import org.airelab.nn.ContextDivision;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.TensorDivision;
import org.airelab.train.Precision;

/**
 * One way to train a model.
 *
 * @param model  what is trained, on sequences of its context length
 * @param mesh   how its ranks divide the work
 * @param rows   sequences of a forward pass of a replica
 * @param passes forward passes of a replica in a step; the micro-batches of a pipeline
 * @param method everything else
 */
public record Job(ModelConfig model, MeshShape mesh, int rows, int passes, Method method) {

    /** Which activations are kept from the forward for the backward pass. */
    public enum Recompute {
        /** All. */
        NONE,
        /** Of each layer its input, attention's output and every second product; the rest is computed again. */
        SELECTIVE,
        /** Of each layer its input alone (Chen et al. 2016). */
        FULL
    }

    /** Types of weights, gradients and of what Adam keeps, in bytes a parameter. */
    public enum State {
        /** All in float32, as the lab has it. */
        FLOAT32(4, 4, 8),
        /** Weights and gradients in a half type, Adam's buffers and a copy of the weights in float32: K = 12. */
        MIXED(2, 2, 12);

        private final int weights;
        private final int gradients;
        private final int optimizer;

        State(int weights, int gradients, int optimizer) {
            this.weights = weights;
            this.gradients = gradients;
            this.optimizer = optimizer;
        }

        int weights() {
            return weights;
        }

        int gradients() {
            return gradients;
        }

        int optimizer() {
            return optimizer;
        }
    }

    /** Who computes norms, activations, rotations and the loss. */
    public enum Kernels {
        /** A kernel an operation, the loss's overwriting its logits: the lab's, llm.c's, Megatron's. */
        FUSED,
        /** Layers as fused ones, the loss by plain operators: torch.compile. */
        COMPILED,
        /** Plain operators one after another. */
        PLAIN
    }

    /**
     * How.
     *
     * @param precision  what layers compute in, and in float64 no plan is made
     * @param state      types of what is kept
     * @param zero       stage of ZeRO (Rajbhandari et al. 2020), what the ranks with the same parameters divide: 0
     *                   nothing, 1 the optimizer's state, 2 gradients too, 3 weights too
     * @param recompute  what is computed twice
     * @param kernels    of what is no matrix product
     * @param interleave pieces of the model that each rank of a pipeline has (Narayanan et al. 2021, section 2.2)
     */
    public record Method(Precision precision, State state, int zero, Recompute recompute, Kernels kernels,
            int interleave) {
        public Method {
            require(precision != Precision.FP64, "fp64 is for checks on CPUs: plans are for fp32, bf16 and fp16");
            require(zero >= 0 && zero <= 3, "zero must be a stage from 0 to 3, found " + zero);
            require(interleave >= 1, "interleave must be at least 1, found " + interleave);
        }
    }

    public Job {
        require(rows >= 1 && passes >= 1, "rows and passes must be at least 1, found " + rows + " and " + passes);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    /** Why the ranks cannot divide the model so, in a sentence, by the rules of the training; empty where they can. */
    Optional<String> obstacle() {
        if (method.interleave > 1 && mesh.pp() == 1) {
            return Optional.of("an interleaved pipeline needs pp above 1, found pp=1.");
        }
        try {
            TensorDivision.requireDivisible(mesh.tp(), model);
            new ContextDivision(0, mesh.cp()).requireDivisible(model.contextLength());
            TensorParallel.requireDivisible(mesh.tp(), model.contextLength() / mesh.cp());
            PipelineSchedule schedule = method.interleave > 1 ? PipelineSchedule.INTERLEAVED
                    : PipelineSchedule.ONE_F_ONE_B;
            new PipelinePlan(schedule, mesh.pp(), method.interleave, model.layers()).requirePasses(passes);
            return Optional.empty();
        } catch (UserError e) {
            return Optional.of(e.getMessage());
        }
    }

    /** Tokens of a pass of one rank. */
    double tokens() {
        return (double) rows * model.contextLength() / mesh.cp();
    }

    /** Tokens of a step of all ranks. */
    double tokensPerStep() {
        return (double) mesh.dp() * rows * passes * model.contextLength();
    }

    /** Layers of the rank of the pipeline that has the most. */
    int stageLayers() {
        return method.interleave * Math.ceilDiv(model.layers(), mesh.pp() * method.interleave);
    }

    /** Ranks with the same parameters, which sum gradients and may divide what belongs to parameters. */
    int replicas() {
        return mesh.dp() * mesh.cp();
    }

    /** Bytes of a number that layers compute with. */
    int elementBytes() {
        return method.precision.computed().bytes();
    }
}
