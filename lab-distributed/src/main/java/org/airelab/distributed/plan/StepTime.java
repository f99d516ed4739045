package org.airelab.distributed.plan;

import java.util.List;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.plan.PassTimes.Work;

/**
 * Seconds of a step, of the rank that takes longest.
 *
 * @param products   matrix products
 * @param attention  fused attention
 * @param memory     what memory or launches bound, without the update
 * @param update     the optimizer
 * @param exposed    communication that nothing hides
 * @param bubble     waiting for the other stages of the pipeline
 * @param stragglers waiting for slower nodes
 */
public record StepTime(double products, double attention, double memory, double update, double exposed, double bubble,
        double stragglers) {
    /** Part of a step that each doubling of the nodes adds: the slowest of more nodes is slower. */
    private static final double STRAGGLE = 0.01;

    static StepTime of(Job job, Cluster cluster, PassTimes times, List<Flow> flows) {
        MeshShape mesh = job.mesh();
        double passes = job.passes();
        Work stage = times.forward().plus(times.backward()).times(job.stageLayers());
        Work work = stage.plus(times.head()).times(passes);
        double exposed = flows.stream().mapToDouble(Flow::exposed).sum();
        // What a pass exchanges delays the other stages too; the sums of a step come after the last pass.
        double perPass = flows.stream().filter(Flow::everyPass).mapToDouble(Flow::exposed).sum() / passes;
        double bubble = (mesh.pp() - 1.0) / job.method().interleave() * (stage.total() + perPass);
        double update = times.optimizer() / (job.method().zero() > 0 ? job.replicas() : 1);
        double sum = work.total() + exposed + bubble + update;
        double nodes = Math.max(1, (double) mesh.ranks() / cluster.perNode());
        return new StepTime(work.products(), work.attention(), work.memory(), update, exposed, bubble,
                sum * STRAGGLE * Math.log(nodes) / Math.log(2));
    }

    /** The part of it in which a rank computes nothing. */
    public double idle() {
        return (exposed + bubble + stragglers) / total();
    }

    /** All of it. */
    public double total() {
        return products + attention + memory + update + exposed + bubble + stragglers;
    }

    /** What takes the most: computing, memory, communication or the pipeline. */
    public String limit() {
        double[] parts = {products + attention, memory + update, exposed + stragglers, bubble};
        String[] names = {"compute", "memory bandwidth", "communication", "the pipeline's bubble"};
        int most = 0;
        for (int i = 1; i < parts.length; i++) {
            most = parts[i] > parts[most] ? i : most;
        }
        return names[most];
    }
}
