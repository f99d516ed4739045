package org.airelab.distributed.plan;

import java.util.Optional;
import org.airelab.base.UserError;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.parallel.Division;
import org.airelab.distributed.pipeline.PipelineSchedule;
import org.airelab.nn.ModelConfig;
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

    /** Types of what is kept, in bytes a parameter, and whose way it is to exchange it. */
    public enum State {
        /**
         * All in float32, as the lab has it: what ranks gather and sum of parameters is float32, too, and ZeRO-2 sums
         * after every pass.
         */
        FLOAT32(4, 4, 0),
        /** The same kept as PyTorch does it: FSDP gathers a half type, and gradients below ZeRO-3 are summed once. */
        PYTORCH(4, 4, 0),
        /** Weights and gradients in a half type, a copy of the weights in float32 (Megatron-LM, llm.c): K = 12. */
        MIXED(2, 2, 4);

        private final int weights;
        private final int gradients;
        private final int copy;

        State(int weights, int gradients, int copy) {
            this.weights = weights;
            this.gradients = gradients;
            this.copy = copy;
        }

        int weights() {
            return weights;
        }

        int gradients() {
            return gradients;
        }

        /** With so many float32 numbers a parameter of the update's rule. */
        int optimizer(int buffers) {
            return copy + Float.BYTES * buffers;
        }

        /** Whether it is this lab's. */
        boolean ours() {
            return this == FLOAT32;
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
     * @param buffers    float32 numbers a parameter that the optimizer's rule keeps, 2 of Adam's
     * @param zero       stage of ZeRO (Rajbhandari et al. 2020), what the ranks with the same parameters divide: 0
     *                   nothing, 1 the optimizer's state, 2 gradients too, 3 weights too
     * @param recompute  what is computed twice
     * @param kernels    of what is no matrix product
     * @param interleave pieces of the model that each rank of a pipeline has (Narayanan et al. 2021, section 2.2)
     */
    public record Method(Precision precision, State state, int buffers, int zero, Recompute recompute, Kernels kernels,
            int interleave) {
        public Method {
            require(precision != Precision.FP64, "fp64 is for checks on CPUs: plans are for fp32, bf16 and fp16");
            require(zero >= 0 && zero <= 3, "zero must be a stage from 0 to 3, found " + zero);
            require(interleave >= 1, "interleave must be at least 1, found " + interleave);
        }

        /** Bytes a parameter that the optimizer keeps. */
        int optimizer() {
            return state.optimizer(buffers);
        }

        /** Whether all of a layer is computed twice. */
        boolean computesTwice() {
            return recompute == Recompute.FULL;
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

    /**
     * Why the ranks cannot train the model so, by the rules of the lab's training; empty where they can. Of other
     * software's ways only those rules count that are the mesh's.
     */
    Optional<UserError> obstacle() {
        boolean ours = method.state.ours();
        try {
            if (method.interleave > 1 && mesh.pp() == 1) {
                throw UserError.badInput("an interleaved pipeline needs pp above 1, found pp=1.",
                        "Leave --interleave out, or give a mesh with a pipeline.");
            }
            if (ours && method.zero > 0 && mesh.dp() * mesh.cp() == 1) {
                throw UserError.badInput("--zero divides state among replicas, and the mesh " + mesh + " has none.",
                        "Leave it out, or give a mesh such as dp=2.");
            }
            if (ours && mesh.cp() > 1 && method.kernels != Kernels.FUSED) {
                throw UserError.badInput("context parallelism needs the lab's kernels, and this run would compute with"
                        + " libtorch's.", "Use --set run.kernels=auto, or a mesh without cp.");
            }
            PipelineSchedule schedule = method.interleave > 1 ? PipelineSchedule.INTERLEAVED
                    : PipelineSchedule.ONE_F_ONE_B;
            new Division(mesh, new Replicas.Settings(Replicas.Gradients.BUCKETED, 1, ours ? method.zero : 0, 1),
                    mesh.tp() > 1, schedule, method.interleave).require(model, passes);
            return Optional.empty();
        } catch (UserError e) {
            return Optional.of(e);
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
