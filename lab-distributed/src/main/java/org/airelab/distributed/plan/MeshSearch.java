package org.airelab.distributed.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
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
    /** What of the fastest's time is not worth more parallelism or a higher stage of ZeRO. */
    private static final double HARDLY = 1.02;
    /**
     * First what leaves room in memory, then what divides a model or its sequences in the fewest ways, then what
     * divides least among replicas, then least pipeline, least tensor and least context parallelism.
     */
    private static final Comparator<Plan> SIMPLEST =
            Comparator.<Plan, Boolean>comparing(plan -> !plan.memory().fitsEasily(plan.cluster().gpu()))
                    .thenComparing(plan -> ways(plan.job().mesh()))
                    .thenComparing(plan -> plan.job().method().zero()).thenComparing(plan -> plan.job().mesh().pp())
                    .thenComparing(plan -> plan.job().mesh().tp()).thenComparing(plan -> plan.job().mesh().cp());

    /**
     * One of the ways: each replica takes its {@link BatchShare}.
     *
     * @throws UserError (bad input) where these cannot be even
     */
    Job job(MeshShape mesh, int zero, Recompute recompute) {
        Method how = new Method(method.precision(), method.state(), method.buffers(), zero, recompute,
                method.kernels(), method.interleave());
        BatchShare share = BatchShare.of(batchSize, accumulation, 0, mesh.dp());
        return new Job(model, mesh, share.rows(), share.passes(), how);
    }

    /**
     * Those that divide the model, fit into memory and leave each replica a sequence: first the one to take, which is
     * the {@link #SIMPLEST} of those that take hardly longer than the fastest, then all others, fastest first.
     */
    List<Plan> best(List<MeshShape> meshes, List<Integer> stages, List<Recompute> recomputes, Cluster cluster) {
        List<Plan> plans = new ArrayList<>();
        for (MeshShape mesh : meshes) {
            for (int zero : worthTrying(stages, mesh)) {
                for (Recompute recompute : recomputes) {
                    plan(mesh, zero, recompute, cluster).ifPresent(plans::add);
                }
            }
        }
        plans.sort(Comparator.comparingDouble(plan -> plan.time().total()));
        if (!plans.isEmpty()) {
            double most = HARDLY * plans.getFirst().time().total();
            Plan simplest = plans.stream().filter(plan -> plan.time().total() <= most).min(SIMPLEST).orElseThrow();
            plans.remove(simplest);
            plans.addFirst(simplest);
        }
        return plans;
    }

    /** Of several stages of ZeRO those that divide something. */
    private static List<Integer> worthTrying(List<Integer> stages, MeshShape mesh) {
        return mesh.dp() * mesh.cp() == 1 ? stages.subList(0, 1) : stages;
    }

    private Optional<Plan> plan(MeshShape mesh, int zero, Recompute recompute, Cluster cluster) {
        if (uneven(mesh.dp()).isPresent()) {
            return Optional.empty();
        }
        Job job = job(mesh, zero, recompute);
        return job.obstacle().isPresent() ? Optional.empty() : Optional.of(Plan.of(job, cluster)).filter(Plan::fits);
    }

    /** Why so many replicas cannot share a step's sequences; empty where they can. */
    Optional<UserError> uneven(int replicas) {
        try {
            BatchShare.of(batchSize, accumulation, 0, replicas);
            return Optional.empty();
        } catch (UserError e) {
            return Optional.of(e);
        }
    }

    /** All of so many ranks. */
    static List<MeshShape> meshes(int ranks) {
        return divisors(ranks).flatMap(pp -> divisors(ranks / pp).flatMap(tp -> divisors(ranks / pp / tp)
                .map(cp -> new MeshShape(ranks / pp / tp / cp, cp, tp, pp)))).toList();
    }

    private static long ways(MeshShape mesh) {
        return IntStream.of(mesh.pp(), mesh.tp(), mesh.cp()).filter(size -> size > 1).count();
    }

    private static Stream<Integer> divisors(int number) {
        return IntStream.rangeClosed(1, (int) Math.sqrt(number)).filter(d -> number % d == 0)
                .flatMap(d -> IntStream.of(d, number / d)).distinct().sorted().boxed();
    }
}
