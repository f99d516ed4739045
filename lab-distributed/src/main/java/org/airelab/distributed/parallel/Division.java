package org.airelab.distributed.parallel;

import org.airelab.base.UserError;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.pipeline.PipelinePlan;
import org.airelab.distributed.pipeline.PipelineSchedule;
import org.airelab.distributed.tensorparallel.TensorParallel;
import org.airelab.nn.ContextDivision;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.TensorDivision;

/**
 * How a run's training is divided; none of it decides what is computed, but for rounding.
 *
 * @param mesh             among how many ranks in which way
 * @param replicas         how ranks with the same parameters work together
 * @param sequenceParallel whether ranks of tensor parallelism divide the tokens between divided products
 * @param schedule         of the pipeline
 * @param chunks           stages of a rank of the pipeline
 */
public record Division(MeshShape mesh, Replicas.Settings replicas, boolean sequenceParallel, PipelineSchedule schedule,
        int chunks) {
    /** @throws UserError (bad input) for ways that do not go together */
    public Division {
        if (!goTogether(mesh, replicas.zero())) {
            throw UserError.badInput("--zero " + replicas.zero() + " frees what the backward pass of a later"
                    + " micro-batch needs in a pipeline, and the mesh " + mesh + " has one.",
                    "Use --zero 0 or 1, or pp=1.");
        }
        if (mesh.pp() == 1 && (chunks != 1 || schedule == PipelineSchedule.INTERLEAVED)) {
            throw UserError.badInput("--schedule interleaved and --chunks are of a pipeline, and the mesh " + mesh
                    + " has none.", "Leave them out, or give a mesh such as pp=2.");
        }
        if (sequenceParallel && mesh.tp() == 1) {
            throw UserError.badInput("--sequence-parallel divides tokens among the ranks of tensor parallelism, and the"
                    + " mesh " + mesh + " has none.", "Leave it out, or give a mesh such as tp=2.");
        }
    }

    /** Whether a mesh's pipeline, if it has one, can do with a stage of ZeRO. */
    public static boolean goTogether(MeshShape mesh, int zero) {
        return mesh.pp() == 1 || zero < 2;
    }

    /** Replicas alone. */
    public static Division ofReplicas(int ranks, Replicas.Settings settings) {
        return new Division(MeshShape.replicas(ranks), settings, false, PipelineSchedule.ONE_F_ONE_B, 1);
    }

    /** The stages of the pipeline. */
    PipelinePlan plan(ModelConfig model) {
        return new PipelinePlan(schedule, mesh.pp(), chunks, model.layers());
    }

    /**
     * Refuses a model, and steps, that cannot be divided so.
     *
     * @param passes of a step of each replica
     * @throws UserError (bad input)
     */
    public void require(ModelConfig model, int passes) {
        if (mesh.pp() > 1) {
            plan(model).requirePasses(passes);
        }
        TensorDivision.requireDivisible(mesh.tp(), model);
        new ContextDivision(0, mesh.cp()).requireDivisible(model.contextLength());
        if (sequenceParallel) {
            TensorParallel.requireDivisible(mesh.tp(), model.contextLength() / mesh.cp());
        }
    }
}
