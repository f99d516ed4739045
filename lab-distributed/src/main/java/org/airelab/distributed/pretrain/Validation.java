package org.airelab.distributed.pretrain;

import java.util.List;
import java.util.stream.LongStream;
import org.airelab.data.DataLoader;
import org.airelab.data.DatasetManifest;
import org.airelab.data.TokenBatch;
import org.airelab.data.TokenDataset;
import org.airelab.distributed.parallel.Ranks;
import org.airelab.train.Trainer;

/** The mean loss over windows of the validation split, side by side, each token predicted once. */
final class Validation {
    private final DataLoader loader;
    private final DatasetManifest manifest;
    private final int batchSize;
    private final long samples;
    private final Ranks ranks;

    /** At most {@code mostTokens} tokens in batches of {@code batchSize} windows, which ranks take by turns. */
    Validation(TokenDataset dataset, int contextLength, int batchSize, long mostTokens, Ranks ranks) {
        this.loader = DataLoader.sequential(dataset, contextLength);
        this.manifest = dataset.manifest();
        this.batchSize = batchSize;
        this.ranks = ranks;
        this.samples = Math.max(1, Math.min(loader.samplesPerEpoch(), mostTokens / contextLength));
    }

    /** Tokens a validation predicts. */
    long tokens() {
        return samples * loader.contextLength();
    }

    /** Mean loss in nats a token. */
    double loss(Trainer trainer) {
        long stride = (long) ranks.samplers() * batchSize;
        Iterable<TokenBatch> batches = () -> LongStream
                .iterate((long) ranks.sampler() * batchSize, first -> first < samples, first -> first + stride)
                .mapToObj(first -> loader.batch(first, (int) Math.min(batchSize, samples - first))).iterator();
        double sum = trainer.evaluate(batches);
        if (samples % stride != 0 && samples % stride <= (long) ranks.sampler() * batchSize) {
            // Nothing is left for it in the last round, and the others may need its share of the weights: any window.
            trainer.evaluate(List.of(loader.batch(0, 1)));
        }
        return ranks.sum(sum) / tokens();
    }

    /** A loss in nats a token as bits a byte of the validation text. */
    double bitsPerByte(double loss) {
        return loss / Math.log(2) / manifest.bytesPerToken();
    }
}
