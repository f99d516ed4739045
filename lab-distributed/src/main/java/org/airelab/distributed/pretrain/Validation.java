package org.airelab.distributed.pretrain;

import org.airelab.data.DataLoader;
import org.airelab.data.DatasetManifest;
import org.airelab.data.TokenBatch;
import org.airelab.data.TokenDataset;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.train.LayerwiseEngine;

/** The mean loss over windows of the validation split, side by side, each token predicted once. */
final class Validation {
    private final DataLoader loader;
    private final DatasetManifest manifest;
    private final int batchSize;
    private final long samples;
    private final Replicas replicas;

    /** At most {@code mostTokens} tokens in batches of {@code batchSize} windows, which ranks take by turns. */
    Validation(TokenDataset dataset, int contextLength, int batchSize, long mostTokens, Replicas replicas) {
        this.loader = DataLoader.sequential(dataset, contextLength);
        this.manifest = dataset.manifest();
        this.batchSize = batchSize;
        this.replicas = replicas;
        this.samples = Math.max(1, Math.min(loader.samplesPerEpoch(), mostTokens / contextLength));
    }

    /** Tokens a validation predicts. */
    long tokens() {
        return samples * loader.contextLength();
    }

    /** Mean loss in nats a token. */
    double loss(LayerwiseEngine engine) {
        double sum = 0;
        long stride = (long) replicas.size() * batchSize;
        for (long round = 0; round < samples; round += stride) {
            long first = round + (long) replicas.rank() * batchSize;
            // A rank for which nothing is left takes part with any window: the others may need its share of the weights.
            boolean mine = first < samples;
            TokenBatch batch = mine ? loader.batch(first, (int) Math.min(batchSize, samples - first))
                    : loader.batch(0, 1);
            double loss = engine.evaluate(batch);
            sum += mine ? loss : 0;
        }
        return replicas.sum(sum) / tokens();
    }

    /** A loss in nats a token as bits a byte of the validation text. */
    double bitsPerByte(double loss) {
        return loss / Math.log(2) / manifest.bytesPerToken();
    }
}
