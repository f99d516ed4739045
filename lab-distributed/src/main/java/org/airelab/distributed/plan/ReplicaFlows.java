package org.airelab.distributed.plan;

import java.util.ArrayList;
import java.util.List;
import org.airelab.distributed.plan.Job.State;
import org.airelab.distributed.plan.Links.Group;

/** What ranks with the same parameters exchange: sums of gradients, and with ZeRO weights. */
final class ReplicaFlows {
    /** Of gradients summed once a step, what is ready last and has nothing to hide behind. */
    private static final double LAST = 0.1;

    private final Job job;
    private final Links links;
    private final Group group;
    private final int zero;
    private final State state;
    private final double parameters;
    private final double layer;
    private final double ends;
    /** Layers of the stage, and seconds of a layer's forward and backward halves. */
    private final double layers;
    private final double forward;
    private final double backward;

    ReplicaFlows(Job job, Links links, PassTimes times) {
        this.job = job;
        this.links = links;
        group = links.replicas(job.mesh());
        zero = job.method().zero();
        state = job.method().state();
        parameters = LayerWork.parameters(job, true, job.mesh().pp() == 1);
        layer = LayerWork.parameters(job);
        layers = job.stageLayers();
        ends = parameters - layers * layer;
        forward = times.forward().total();
        backward = times.backward().total();
    }

    List<Flow> flows() {
        if (zero == 3) {
            return List.of(gatheredEveryPass(), scatteredEveryPass());
        }
        List<Flow> flows = new ArrayList<>();
        flows.add(zero == 2 && state.ours() ? scatteredEveryPass() : summedOnce());
        if (zero > 0) {
            double weights = parameters * state.weights();
            double seconds = links.ring(group, weights);
            flows.add(flow("all-gather of weights", Links.sent(group, weights), seconds, seconds, false));
        }
        return flows;
    }

    private Flow flow(String operation, double bytes, double seconds, double exposed, boolean everyPass) {
        return new Flow("data", operation, group.overNetwork(), bytes, seconds, exposed, everyPass);
    }

    /** During the last pass's backward half. */
    private Flow summedOnce() {
        double gradients = parameters * state.gradients();
        int rings = zero == 0 ? 2 : 1;
        double seconds = rings * links.ring(group, gradients);
        return flow((zero == 0 ? "all-reduce" : "reduce-scatter") + " of gradients",
                rings * Links.sent(group, gradients), seconds, Math.max(LAST * seconds, seconds - layers * backward),
                false);
    }

    /** What of a layer's gathered weights and summed gradients is not there when the backward pass of the next ends. */
    private double lateBackward() {
        return Math.max(0, (zero == 3 ? gather(layer) : 0) + scatter(layer) - backward);
    }

    /**
     * Layer by layer, while the one below is computed. The embedding is the last, with nothing to hide behind; where
     * all weights are there, the next pass's forward half hides all but the last pass's.
     */
    private Flow scatteredEveryPass() {
        double passes = job.passes();
        double late = Math.min(lateBackward(), scatter(layer));
        return flow("reduce-scatter of gradients", passes * Links.sent(group, parameters * state.gradients()),
                passes * (layers * scatter(layer) + scatter(ends)),
                passes * layers * late + (zero == 3 ? passes : 1) * scatter(LayerWork.embedding(job)), true);
    }

    /**
     * Each layer's weights before its forward and again before its backward half, while the layer before is computed.
     * The lab's buffers still have the two last layers of a half when the next begins with them, and an embedding that
     * is the head's matrix, too, for all of a step.
     */
    private Flow gatheredEveryPass() {
        double passes = job.passes();
        double kept = state.ours() ? Math.min(2, layers) : 0;
        double half = passes * (layers - kept);
        boolean once = state.ours() && job.model().tieEmbeddings();
        double turns = once ? 1 : passes;
        double lateForward = Math.max(0, gather(layer) - forward);
        double late = Math.max(0, lateBackward() - scatter(layer));
        double head = state.ours() && !once ? passes * Math.max(0, gather(LayerWork.head(job)) - forward) : 0;
        return flow("all-gather of weights",
                Links.sent(group, ((kept + 2 * half) * layer + turns * ends) * bytes()),
                (kept + 2 * half) * gather(layer) + turns * gather(ends),
                half * (lateForward + late) + head + turns * gather(LayerWork.embedding(job)), true);
    }

    /** Of a weight that is gathered for a pass. */
    private int bytes() {
        return state.ours() ? state.weights() : job.elementBytes();
    }

    private double gather(double count) {
        return links.ring(group, count * bytes());
    }

    private double scatter(double count) {
        return links.ring(group, count * state.gradients());
    }
}
