package org.airelab.train;

import java.util.List;
import java.util.stream.IntStream;
import org.airelab.data.TokenBatch;
import org.airelab.nn.FlatParameters;

/** Makes optimizer steps: gradients of several micro-batches, their global norm, the update. */
public final class Trainer {
    private final LayerwiseEngine engine;
    private final FlatParameters parameters;
    private final Optimizer optimizer;
    private final OptimizerConfig config;
    private final Schedule schedule;
    private final LossScaler scaler;
    private final GradientNorm norms;
    private GradientExchange exchange = GradientExchange.NONE;
    private Passes passes;
    private long step;
    private long updates;

    /** All parts belong to one model. */
    public Trainer(LayerwiseEngine engine, FlatParameters parameters, Optimizer optimizer,
            OptimizerConfig config, Schedule schedule, LossScaler scaler, GradientNorm norms) {
        this.engine = engine;
        this.passes = new WholeModel(engine);
        this.parameters = parameters;
        this.optimizer = optimizer;
        this.config = config;
        this.schedule = schedule;
        this.scaler = scaler;
        this.norms = norms;
    }

    /**
     * Lets other ranks have a part in each step. All begin with the same state, take parts of one size of the same
     * batch, and so stay alike.
     */
    public void shareSteps(GradientExchange others) {
        exchange = others;
    }

    /** How this rank shares its steps. */
    public GradientExchange exchange() {
        return exchange;
    }

    /** Lets other ranks have other stages of the model. */
    public void shareModel(Passes through) {
        passes = through;
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
        int count = microBatches.size();
        double factor = scaler.scale() / count / exchange.ranks();
        long first = step * count * exchange.ranks() + exchange.rank();
        passes.run(new Passes.Step(microBatches, factor, first, exchange.ranks()),
                part -> exchange.finalFrom(parameters.parts().get(part).from()));
        exchange.complete();
        double norm = exchange.norm(norms.owned()) / scaler.scale();
        double loss = exchange.mean(engine.takeLoss());
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

    private WorstGradient worstGradient() {
        List<FlatParameters.Slot> slots = parameters.slots();
        double[] all = exchange.norms(slots.stream().mapToDouble(norms::of).toArray());
        return IntStream.range(0, all.length).mapToObj(i -> {
            String path = slots.get(i).spec().path();
            return new WorstGradient(path, engine.part(path), all[i]);
        }).reduce(WorstGradient::or).orElseThrow();
    }

    /** Sum of the losses in nats over all positions of the batches whose target counts, without gradients. */
    public double evaluate(Iterable<TokenBatch> batches) {
        return passes.evaluate(batches);
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
        String layer = null;
        // In all of them, whatever is found: ranks that share the model need each other.
        for (TokenBatch batch : microBatches) {
            String found = passes.firstNonFinite(batch);
            layer = layer == null ? found : layer;
        }
        WorstGradient worst = passes.worst(worstGradient());
        return layer == null ? worst.toString() : layer + " (its output is not finite)";
    }
}
