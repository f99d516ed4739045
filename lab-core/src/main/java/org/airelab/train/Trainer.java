package org.airelab.train;

import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import org.airelab.data.TokenBatch;
import org.airelab.nn.FlatParameters;
import org.airelab.train.Shards.Piece;

/** Makes optimizer steps: gradients of several micro-batches, their global norm, the update. */
public final class Trainer {
    private final LayerwiseEngine engine;
    private final LossHead head;
    private final FlatParameters parameters;
    private final Optimizer optimizer;
    private final OptimizerConfig config;
    private final Schedule schedule;
    private final LossScaler scaler;
    private final GradientNorm norms;
    private final List<Piece> counted;
    /** The first gradient of each part of the model, as the engine counts them. */
    private final NavigableMap<Integer, Long> firsts = new TreeMap<>();
    private GradientExchange exchange = GradientExchange.NONE;
    private long step;
    private long updates;

    /**
     * All parts belong to one model; {@code head} is the engine's.
     *
     * @param counted what of the gradients that it updates with this rank counts for the norm of all
     */
    public Trainer(LayerwiseEngine engine, LossHead head, FlatParameters parameters, Optimizer optimizer,
            OptimizerConfig config, Schedule schedule, LossScaler scaler, GradientNorm norms, List<Piece> counted) {
        this.engine = engine;
        this.head = head;
        this.parameters = parameters;
        this.optimizer = optimizer;
        this.config = config;
        this.schedule = schedule;
        this.scaler = scaler;
        this.norms = norms;
        this.counted = counted;
        parameters.slots().forEach(slot -> firsts.putIfAbsent(engine.part(slot.spec().path()), slot.offset()));
    }

    /**
     * Lets other ranks have a part in each step. All begin with the same state, take parts of one size of the same
     * batch, and so stay alike.
     */
    public void shareSteps(GradientExchange others) {
        exchange = others;
    }

    /**
     * What a step did.
     *
     * @param step         its number, 1 for the first
     * @param loss         mean cross-entropy of its tokens in nats, before the update
     * @param learningRate of the update
     * @param gradientNorm global norm before clipping
     * @param skipped      whether float16 overflowed and there was no update
     */
    public record StepReport(long step, double loss, double learningRate, double gradientNorm, boolean skipped) {
    }

    /** One step on the mean gradient of the micro-batches, which all have one size, those of other ranks included. */
    public StepReport step(List<TokenBatch> microBatches) {
        parameters.zeroGradients();
        int passes = microBatches.size();
        double factor = scaler.scale() / passes / exchange.ranks();
        for (int i = 0; i < passes; i++) {
            IntConsumer passed = i == passes - 1 ? part -> exchange.finalFrom(first(part)) : part -> { };
            long pass = (step * passes + i) * exchange.ranks() + exchange.rank();
            engine.forwardBackward(microBatches.get(i), factor, pass, passed);
        }
        exchange.complete();
        double loss = exchange.mean(head.takeLoss());
        double norm = exchange.norm(norms.of(counted)) / scaler.scale();
        double unscale = 1 / scaler.scale();
        step++;
        double learningRate = schedule.learningRate(step);
        boolean finite = Double.isFinite(norm);
        boolean skipped = scaler.skip(finite);
        if (!skipped && finite) {
            optimizer.step(++updates, learningRate, unscale * GradientNorm.clip(norm, config.clipNorm()));
            exchange.updated();
        }
        return new StepReport(step, loss, learningRate, norm, skipped);
    }

    /** The first gradient that belongs to a part of the model or to a later one. */
    private long first(int part) {
        Map.Entry<Integer, Long> found = firsts.ceilingEntry(part);
        return found == null ? parameters.size() : found.getValue();
    }

    /** Steps made. */
    public long step() {
        return step;
    }

    /** Updates made: steps less those skipped. It is the optimizer's clock. */
    public long updates() {
        return updates;
    }

    /** Takes up a state saved before. */
    public void restore(long savedStep, long savedUpdates) {
        step = savedStep;
        updates = savedUpdates;
    }

    /**
     * Where the last step went wrong, by the layer's name: the first whose output is not finite, else the last in
     * forward order whose gradient is not (the backward pass met it first), else the one with the largest gradient.
     */
    public String suspect(List<TokenBatch> microBatches) {
        for (TokenBatch batch : microBatches) {
            String layer = engine.firstNonFinite(batch);
            if (layer != null) {
                return layer + " (its output is not finite)";
            }
        }
        FlatParameters.Slot worst = null;
        double largest = -1;
        for (FlatParameters.Slot slot : parameters.slots().reversed()) {
            double norm = norms.of(slot);
            if (!Double.isFinite(norm)) {
                return slot.spec().path() + " (its gradient is not finite)";
            }
            if (norm > largest) {
                largest = norm;
                worst = slot;
            }
        }
        return worst.spec().path() + " (it has the largest gradient)";
    }
}
