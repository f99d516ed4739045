package org.airelab.distributed.pretrain;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import java.io.IOException;
import org.airelab.config.Configurations;
import org.airelab.data.DataLoader;
import org.airelab.data.PreparedData;
import org.airelab.data.Split;
import org.airelab.data.TokenDataset;
import org.airelab.distributed.dataparallel.BatchShare;
import org.airelab.distributed.parallel.Ranks;
import org.airelab.torch.OutOfMemory;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.TrainingSession;

/**
 * What every rank of a run trains with.
 *
 * @param session    the model and what trains it
 * @param loader     of the training data
 * @param share      this rank's of every step
 * @param validation over all ranks
 * @param guard      against divergence
 * @param ranks      all ranks
 */
record RankParts(TrainingSession session, DataLoader loader, BatchShare share, Validation validation,
        DivergenceGuard guard, Ranks ranks) {
    /** Work with them. */
    interface Work {
        void with(RankParts parts) throws IOException;
    }

    /** What of every step is this rank's. */
    static BatchShare share(PretrainConfig config, Ranks ranks) {
        return BatchShare.of(config.train().batchSize(), config.train().accumulation(), ranks.sampler(),
                ranks.samplers());
    }

    /** How a configured run computes on a device. */
    static TrainingSession.Setup setup(PretrainConfig config, Device device) {
        return new TrainingSession.Setup(device, config.run().precision(),
                config.run().kernels(), config.train().checkpointing(), config.train().seed());
    }

    /** Opens them, works with them, and closes them; all ranks have the same configuration and data, or none begins. */
    static void use(PretrainConfig config, PreparedData data, Ranks ranks, Work work) throws IOException {
        ranks.requireSame("another configuration", Configurations.hash(config));
        ranks.requireSame("other training data or another tokenizer",
                data.manifest().key() + data.manifest().tokenizerHash());
        BatchShare share = share(config, ranks);
        int context = config.model().contextLength();
        try (TrainingSession session = new TrainingSession(setup(config, ranks.device()), config.model(),
                config.optimizer(), config.learningRates(), ranks.share(config.model(), share.passes()));
                TokenDataset train = TokenDataset.open(data.folder(), Split.TRAIN);
                TokenDataset valid = TokenDataset.open(data.folder(), Split.VALIDATION);
                DataLoader loader = new DataLoader(train, context, config.train().seed())) {
            Validation validation = new Validation(valid, context, share.rows(), config.run().evalTokens(), ranks);
            DivergenceGuard guard = new DivergenceGuard(config.run().divergenceScore());
            try {
                work.with(new RankParts(session, loader, share, validation, guard, ranks));
            } catch (RuntimeException | IOException | Error e) {
                // Before the session's memory is freed: the ranks' groups may be at work on it.
                ranks.stopped(e);
                throw e;
            }
        } catch (EngineException e) {
            throw OutOfMemory.orElse(e);
        }
    }
}
