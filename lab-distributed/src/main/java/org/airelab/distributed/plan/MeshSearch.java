package org.airelab.distributed.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.distributed.dataparallel.BatchShare;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.plan.Job.Method;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.nn.ModelConfig;

/**
 * All ways to give the same step to a cluster's ranks.
 *
 * @param model        what is trained
 * @param batchSize    sequences of a forward pass of one rank alone
 * @param accumulation its passes of a step
 * @param method       how, where nothing else is tried
 */
record MeshSearch(ModelConfig model, int batchSize, int accumulation, Method method) {

    /** One of the ways: each replica takes its {@link BatchShare}. */
    Job job(MeshShape mesh) {
        return job(mesh, method);
    }

    private Job job(MeshShape mesh, Method how) {
        BatchShare share = BatchShare.of(batchSize, accumulation, 0, mesh.dp());
        return new Job(model, mesh, share.rows(), share.passes(), how);
    }

    /**
     * Those that divide the model, fit into memory and leave each replica a sequence, fastest first; of equally fast ones
     * the one with the lower stage of ZeRO, less parallelism within the model, and nothing computed twice.
     *
     * @param stages     of ZeRO to try
     * @param recomputes to try
     */
    List<Plan> fastest(Cluster cluster, List<Integer> stages, List<Recompute> recomputes) {
        List<Plan> plans = new ArrayList<>();
        for (MeshShape mesh : meshes(cluster.ranks())) {
            for (int zero : mesh.dp() * mesh.cp() == 1 ? stages.subList(0, 1) : stages) {
                for (Recompute recompute : recomputes) {
                    Method how = new Method(method.precision(), method.state(), zero, recompute, method.kernels(),
                            mesh.pp() > 1 ? method.interleave() : 1);
                    plan(mesh, how, cluster).ifPresent(plans::add);
                }
            }
        }
        plans.sort(Comparator.comparingDouble(plan -> plan.time().total()));
        return plans;
    }

    private java.util.Optional<Plan> plan(MeshShape mesh, Method how, Cluster cluster) {
        if (!shared(mesh.dp())) {
            return java.util.Optional.empty();
        }
        Job job = job(mesh, how);
        return java.util.Optional.of(job).filter(j -> j.obstacle().isEmpty()).map(j -> Plan.of(j, cluster))
                .filter(Plan::fits);
    }

    private boolean shared(int replicas) {
        try {
            BatchShare.of(batchSize, accumulation, 0, replicas);
            return true;
        } catch (UserError e) {
            return false;
        }
    }

    /** Least parallelism within the model first. */
    private static List<MeshShape> meshes(int ranks) {
        return divisors(ranks).flatMap(pp -> divisors(ranks / pp).flatMap(tp -> divisors(ranks / pp / tp)
                .map(cp -> new MeshShape(ranks / pp / tp / cp, cp, tp, pp)))).toList();
    }

    private static Stream<Integer> divisors(int number) {
        return IntStream.rangeClosed(1, number).filter(d -> number % d == 0).boxed();
    }
}
