package org.airelab.train;

import java.util.List;
import java.util.function.IntConsumer;
import org.airelab.data.TokenBatch;

/** Passes through a model that is whole on this rank: micro-batch by micro-batch, forward and backward. */
final class WholeModel implements Passes {
    private final LayerwiseEngine engine;

    WholeModel(LayerwiseEngine engine) {
        this.engine = engine;
    }

    @Override
    public void run(Step step, IntConsumer passed) {
        List<TokenBatch> microBatches = step.microBatches();
        for (int i = 0; i < microBatches.size(); i++) {
            IntConsumer told = i == microBatches.size() - 1 ? passed : part -> { };
            engine.forwardBackward(microBatches.get(i), step.scale(), step.pass(i), told);
        }
    }

    @Override
    public double evaluate(Iterable<TokenBatch> batches) {
        double sum = 0;
        for (TokenBatch batch : batches) {
            sum += engine.evaluate(batch);
        }
        return sum;
    }

    @Override
    public String firstNonFinite(TokenBatch batch) {
        return engine.firstNonFinite(batch);
    }

    @Override
    public WorstGradient worst(WorstGradient mine) {
        return mine;
    }
}
