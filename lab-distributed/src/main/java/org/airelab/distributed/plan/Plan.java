package org.airelab.distributed.plan;

import java.util.List;
import org.airelab.train.ModelFlops;

/**
 * A job on a cluster: what it needs and how fast it would be.
 *
 * @param job     what is trained, and how
 * @param cluster on what
 * @param memory  of a rank
 * @param flows   what a rank sends
 * @param time    of a step
 */
public record Plan(Job job, Cluster cluster, MemoryPlan memory, List<Flow> flows, StepTime time) {

    /** By the model of docs/plan.md. */
    public static Plan of(Job job, Cluster cluster) {
        PassTimes times = PassTimes.of(job, cluster.gpu());
        List<Flow> flows = new Communication(job, cluster, times).flows();
        return new Plan(job, cluster, MemoryPlan.of(job), flows, StepTime.of(job, cluster, times, flows));
    }

    /** Whether the GPUs can hold it. */
    public boolean fits() {
        return memory.fits(cluster.gpu());
    }

    /** Of all ranks. */
    public double tokensPerSecond() {
        return job.tokensPerStep() / time.total();
    }

    /** Operations a second of a rank that the model needs, by {@link ModelFlops}: none computed twice. */
    public double modelFlops() {
        return tokensPerSecond() / job.mesh().ranks() * ModelFlops.perToken(job.model());
    }

    /** These by what the data sheet promises. */
    public double mfu() {
        return modelFlops() / cluster.gpu().peakFlops(job.elementBytes());
    }
}
