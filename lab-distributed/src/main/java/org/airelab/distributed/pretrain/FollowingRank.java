package org.airelab.distributed.pretrain;

import java.io.IOException;
import java.nio.file.Path;
import org.airelab.config.Configurations;
import org.airelab.data.PreparedData;
import org.airelab.distributed.parallel.Ranks;
import org.airelab.tracking.RunDirectory;
import org.airelab.tracking.RunManifest;

/** A rank other than 0: it computes its part of every step, and leaves files and reports to rank 0. */
final class FollowingRank {
    private FollowingRank() {
    }

    /** Trains a new run to its end. */
    static int start(PretrainConfig asked, Ranks ranks) throws IOException {
        PreparedData data = PretrainData.prepare(asked);
        return train(PretrainData.resolved(asked, data), data, ranks);
    }

    /** Trains a run that was cut off to its end. */
    static int resume(PretrainConfig config, Path run, Ranks ranks) throws IOException {
        RunManifest.Standing standing = RunManifest.standing(run.resolve(RunDirectory.MANIFEST));
        if (Pretraining.finished(config, run, standing)) {
            return 0;
        }
        return train(config, PretrainData.same(config, run.resolve(Pretraining.TOKENIZER), standing), ranks);
    }

    private static int train(PretrainConfig config, PreparedData data, Ranks ranks) throws IOException {
        RankParts.use(config, data, ranks, parts -> {
            RunCheckpoints checkpoints = new RunCheckpoints(Path.of(ranks.fromFirst("")), config,
                    Configurations.hash(config), parts.session(), ranks);
            ranks.barrier();
            ranks.begin(parts.session(), parts.guard());
            checkpoints.restoreBuffers();
            ranks.gather(RankMemory.of(parts.session()).total());
            System.out.println("rank " + ranks.rank() + " of " + ranks.size() + " begins after step "
                    + parts.session().trainer().step());
            new TrainingLoop(config, parts, new FollowingJournal(checkpoints)).run();
            ranks.bubble(parts.share().passes());
            System.out.println("rank " + ranks.rank() + " is done");
        });
        return 0;
    }
}
