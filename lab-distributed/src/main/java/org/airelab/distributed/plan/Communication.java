package org.airelab.distributed.plan;

import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.plan.LayerWork.Product;
import org.airelab.distributed.plan.Links.Group;

/**
 * What ranks exchange and what of its time computing does not hide: of pipelines all of it; of tensor parallelism all
 * but what the backward pass of a product gathers and scatters while it computes; a ring of keys and values hides
 * behind attention; what {@link ReplicaFlows} exchange behind the layers beside it.
 */
final class Communication {
    /** Numbers of a token that ranks tell each other of a loss over divided logits, in float32. */
    private static final int TOLD = 3;

    private final Job job;
    private final Links links;
    private final PassTimes times;
    private final KernelTimes kernels;
    private final MeshShape mesh;
    private final boolean ours;
    private final boolean again;
    private final double layersInStep;

    Communication(Job job, Cluster cluster, PassTimes times) {
        this.job = job;
        this.links = new Links(cluster);
        this.times = times;
        kernels = new KernelTimes(cluster.gpu(), job.elementBytes());
        mesh = job.mesh();
        ours = job.method().state().ours();
        again = job.method().computesTwice();
        layersInStep = (double) job.passes() * job.stageLayers();
    }

    /** All that there is, none of a group of one rank. */
    List<Flow> flows() {
        List<Flow> flows = new ArrayList<>();
        if (job.replicas() > 1) {
            flows.addAll(new ReplicaFlows(job, links, times).flows());
        }
        if (mesh.tp() > 1) {
            flows.add(tensor());
        }
        if (mesh.cp() > 1) {
            flows.add(context());
        }
        if (mesh.pp() > 1) {
            flows.add(pipeline());
            if (ours && job.model().tieEmbeddings()) {
                flows.add(tied());
            }
        }
        return flows;
    }

    private static Flow flow(String parallelism, String operation, Group group, double bytes, double seconds,
            double exposed) {
        return new Flow(parallelism, operation, group.overNetwork(), bytes, seconds, exposed, true);
    }

    /** Bytes of all tokens of a pass between two layers, of the ranks of tensor parallelism together. */
    private double stream(int elementBytes) {
        return job.tokens() * job.model().dim() * elementBytes;
    }

    /**
     * The lab's ranks have their own tokens between products (Korthikanti et al. 2022, section 4.2.2): forward each
     * half of a layer gathers its input and scatters its sum; backward the same, and once more gathers the input, of
     * which each rank has kept its own tokens alone. That hides behind the product for the input's gradient, whose
     * scatter hides behind that for the weight's. Of other software, which differs in it, an all-reduce for each half
     * is counted, forward and backward, and nothing hides it.
     */
    private Flow tensor() {
        Group group = links.tensor(mesh);
        double bytes = stream(job.elementBytes());
        double ring = links.ring(group, bytes);
        if (!ours) {
            double rings = (again ? 12 : 8) * layersInStep;
            return flow("tensor", "all-reduce of activations", group, rings * Links.sent(group, bytes), rings * ring,
                    rings * ring);
        }
        double rings = (again ? 14 : 10) * layersInStep;
        double hidden = 0;
        for (Product p : LayerWork.of(job).columns()) {
            hidden += Math.min(ring, kernels.product(job.tokens(), p.in(), p.out()))
                    + Math.min(ring, kernels.product(p.out(), p.in(), job.tokens()));
        }
        double seconds = rings * ring + job.passes() * ends(group, links::ring);
        return flow("tensor", "gathers and scatters of activations", group,
                rings * Links.sent(group, bytes) + job.passes() * ends(group, Links::sent), seconds,
                seconds - layersInStep * hidden);
    }

    /** Something of what the two ends of a model exchange in a pass. */
    private interface OfRing {
        double of(Group group, double bytes);
    }

    /**
     * The sums of looked up vectors and the gather of their gradients, in float32; what the output matrix is applied to
     * and its gradients; what is told of the loss. A rank of a pipeline has one end.
     */
    private double ends(Group group, OfRing of) {
        double embedding = 2 * of.of(group, stream(Float.BYTES));
        double head = 2 * of.of(group, stream(job.elementBytes()))
                + of.of(group, TOLD * Float.BYTES * job.tokens() * group.size());
        return mesh.pp() == 1 ? embedding + head : Math.max(embedding, head);
    }

    /** Keys and values go round in each pass through attention; backward so do sums of their gradients. */
    private Flow context() {
        Group group = links.context(mesh);
        double hops = group.size() - 1;
        double count = 2.0 * LayerWork.of(job).keys() * job.tokens();
        double keys = count * job.elementBytes();
        double sums = count * (ours ? Float.BYTES : job.elementBytes());
        int forwards = again ? 2 : 1;
        double round = hops * links.send(group, keys);
        double back = round + hops * links.send(group, sums);
        double attention = times.forward().attention();
        double exposed = forwards * Math.max(0, round - attention)
                + Math.max(0, back - (times.backward().attention() - (forwards - 1) * attention));
        return flow("context", "ring of keys and values", group,
                layersInStep * hops * ((forwards + 1) * keys + sums),
                layersInStep * (forwards * round + back), layersInStep * exposed);
    }

    /**
     * A stage between two others sends to both for each piece; of two ranks each sends one way, between its pieces
     * both. All wait for two messages a piece, sent or received.
     */
    private Flow pipeline() {
        Group group = links.pipeline(mesh);
        double messages = 2.0 * job.passes() * job.method().interleave();
        double bytes = stream(job.elementBytes()) / mesh.tp();
        double seconds = messages * links.send(group, bytes);
        return flow("pipeline", "sends of activations", group,
                (messages - (mesh.pp() == 2 ? job.passes() : 0)) * bytes, seconds, seconds);
    }

    /** The last stage's gradient of a matrix that is the first's, too, and the first's weights back. */
    private Flow tied() {
        Group group = links.pipeline(mesh);
        double bytes = LayerWork.head(job) * Float.BYTES;
        double seconds = 2 * links.send(group, bytes);
        return new Flow("pipeline", "sends of the tied matrix", group.overNetwork(), bytes, seconds, seconds, false);
    }
}
