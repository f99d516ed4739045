package org.airelab.distributed.parallel;

import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.distributed.mesh.Mesh;
import org.airelab.distributed.pipeline.PipelinePlan;
import org.airelab.distributed.tensorparallel.TensorParallel;

/** The ways in which ranks divide training, in words. */
final class Ways {
    private Ways() {
    }

    /** Those of a mesh; {@code tensors} and {@code plan} are null where there is no such parallelism. */
    static List<String> of(Mesh mesh, Replicas replicas, TensorParallel tensors, PipelinePlan plan) {
        List<String> ways = new ArrayList<>();
        if (replicas.size() > 1) {
            ways.add(replicas.describe());
        }
        if (mesh.shape().cp() > 1) {
            ways.add(mesh.shape().cp() + " ranks share each sequence (ring attention)");
        }
        if (tensors != null) {
            ways.add(tensors.ranks() + " ranks share each layer" + (tensors.dividesTime()
                    ? ", and the tokens between divided products" : ""));
        }
        if (mesh.shape().ranks() == 1) {
            ways.add("1 rank, whose collectives are with itself");
        }
        if (plan != null) {
            ways.add(plan.ranks() + " ranks have different layers, schedule " + plan.schedule()
                    + (plan.chunks() > 1 ? " of " + plan.chunks() + " chunks" : ""));
        }
        return ways;
    }
}
