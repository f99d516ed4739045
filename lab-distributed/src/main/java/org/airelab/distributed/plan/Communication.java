package org.airelab.distributed.plan;

import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.distributed.plan.Links.Group;

/**
 * What ranks exchange and what of its time computing does not hide. Nothing hides what tensor parallelism and pipelines
 * send; a ring of keys and values hides behind attention; weights gathered for a layer behind the layer before;
 * gradients behind the backward pass.
 */
final class Communication {
    /** Of summed gradients, what is ready last and has nothing to hide behind. */
    private static final double LAST = 0.1;

    private final Job job;
    private final Links links;
    private final PassTimes times;
    private final double layersInStep;
    private final Group replicas;
    private final double parameters;

    Communication(Job job, Cluster cluster, PassTimes times) {
        this.job = job;
        this.links = new Links(cluster);
        this.times = times;
        layersInStep = (double) job.passes() * job.stageLayers();
        replicas = links.replicas(job.mesh());
        parameters = LayerWork.parameters(job, true, job.mesh().pp() == 1);
    }

    /** All that there is, none of a group of one rank. */
    List<Flow> flows() {
        List<Flow> flows = new ArrayList<>();
        MeshShape mesh = job.mesh();
        if (job.replicas() > 1) {
            flows.addAll(job.method().zero() == 3 ? gatheredWeights() : summedGradients());
        }
        if (mesh.tp() > 1) {
            flows.add(tensor());
        }
        if (mesh.cp() > 1) {
            flows.add(context());
        }
        if (mesh.pp() > 1) {
            flows.add(pipeline());
        }
        return flows;
    }

    private Flow flow(String parallelism, String operation, Group group, double bytes, double seconds, double exposed) {
        return new Flow(parallelism, operation, group.overNetwork(), bytes, seconds, exposed);
    }

    /** An all-reduce of what each of a layer's two halves gives, forward, backward, and where it is computed again. */
    private Flow tensor() {
        Group group = links.tensor(job.mesh());
        double bytes = job.tokens() * job.model().dim() * job.elementBytes();
        double rings = 2 * 2 * (job.method().recompute() == Recompute.FULL ? 3 : 2) * layersInStep;
        double seconds = rings * links.ring(group, bytes);
        return flow("tensor", "all-reduce of activations", group, rings * Links.sent(group, bytes), seconds, seconds);
    }

    /** Keys and values go round, backward with their gradients. */
    private Flow context() {
        Group group = links.context(job.mesh());
        double hops = group.size() - 1;
        double bytes = 2.0 * LayerWork.of(job).keys() * job.tokens() * job.elementBytes();
        double round = hops * links.send(group, bytes);
        double exposed = Math.max(0, round - times.forward().attention())
                + Math.max(0, 2 * round - times.backward().attention());
        return flow("context", "ring of keys and values", group, layersInStep * 3 * hops * bytes,
                layersInStep * 3 * round, layersInStep * exposed);
    }

    private Flow pipeline() {
        Group group = links.pipeline(job.mesh());
        double sends = 2.0 * job.passes() * job.method().interleave();
        double bytes = job.tokens() * job.model().dim() * job.elementBytes() / job.mesh().tp();
        double seconds = sends * links.send(group, bytes);
        return flow("pipeline", "sends of activations", group, sends * bytes, seconds, seconds);
    }

    /** ZeRO below 3: one sum a step, during the last pass's backward half; what was divided is gathered after it. */
    private List<Flow> summedGradients() {
        int stage = job.method().zero();
        double gradients = parameters * job.method().state().gradients();
        int rings = stage == 0 ? 2 : 1;
        double seconds = rings * links.ring(replicas, gradients);
        double exposed = Math.max(LAST * seconds, seconds - job.stageLayers() * times.backward().total());
        List<Flow> flows = new ArrayList<>();
        flows.add(flow("data", (stage == 0 ? "all-reduce" : "reduce-scatter") + " of gradients", replicas,
                rings * Links.sent(replicas, gradients), seconds, exposed));
        if (stage > 0) {
            double weights = parameters * job.method().state().weights();
            double gather = links.ring(replicas, weights);
            flows.add(flow("data", "all-gather of weights", replicas, Links.sent(replicas, weights), gather, gather));
        }
        return flows;
    }

    /**
     * ZeRO-3: each pass gathers each layer's weights forward and again backward, and reduce-scatters its gradients.
     * The embedding is the first to be gathered and the last to be summed, with nothing to hide behind.
     */
    private List<Flow> gatheredWeights() {
        double stage = job.stageLayers();
        double layer = LayerWork.parameters(job);
        double ends = parameters - stage * layer;
        double gather = gather(layer);
        double scatter = scatter(layer);
        double lateForward = Math.max(0, gather - times.forward().total());
        double lateBackward = Math.max(0, gather + scatter - times.backward().total());
        double lateScatter = Math.min(lateBackward, scatter);
        double lateGather = lateForward + lateBackward - lateScatter;
        double embedding = LayerWork.embedding(job);
        return List.of(
                flow("data", "all-gather of weights", replicas,
                        job.passes() * Links.sent(replicas, (2 * stage * layer + ends) * job.elementBytes()),
                        job.passes() * (2 * stage * gather + gather(ends)),
                        job.passes() * (stage * lateGather + gather(embedding))),
                flow("data", "reduce-scatter of gradients", replicas,
                        job.passes() * Links.sent(replicas, parameters * job.method().state().gradients()),
                        job.passes() * (stage * scatter + scatter(ends)),
                        job.passes() * (stage * lateScatter + scatter(embedding))));
    }

    private double gather(double count) {
        return links.ring(replicas, count * job.elementBytes());
    }

    private double scatter(double count) {
        return links.ring(replicas, count * job.method().state().gradients());
    }
}
