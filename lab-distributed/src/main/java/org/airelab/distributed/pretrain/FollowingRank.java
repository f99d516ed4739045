package org.airelab.distributed.pretrain;

import java.io.IOException;
import java.nio.file.Path;
import org.airelab.config.Configurations;
import org.airelab.data.PreparedData;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.tracking.RunDirectory;
import org.airelab.tracking.RunManifest;

/** A rank other than 0: it computes its part of every step, and leaves files and reports to rank 0. */
final class FollowingRank {
    private FollowingRank() {
    }

    /** Trains a new run to its end. */
    static int start(PretrainConfig asked, Replicas replicas) throws IOException {
        PreparedData data = PretrainData.prepare(asked);
        return train(PretrainData.resolved(asked, data), data, replicas);
    }

    /** Trains a run that was cut off to its end. */
    static int resume(PretrainConfig config, Path run, Replicas replicas) throws IOException {
        RunManifest.Standing standing = RunManifest.standing(run.resolve(RunDirectory.MANIFEST));
        if (Pretraining.finished(config, run, standing)) {
            return 0;
        }
        return train(config, PretrainData.same(config, run.resolve(Pretraining.TOKENIZER), standing), replicas);
    }

    private static int train(PretrainConfig config, PreparedData data, Replicas replicas) throws IOException {
        RankParts.use(config, data, replicas, parts -> {
            RunCheckpoints checkpoints = new RunCheckpoints(Path.of(replicas.fromFirst("")), config,
                    Configurations.hash(config), parts.session(), replicas);
            replicas.begin(parts.session(), parts.guard());
            checkpoints.restoreBuffers();
            System.out.println("rank " + replicas.rank() + " of " + replicas.size() + " begins after step "
                    + parts.session().trainer().step());
            new TrainingLoop(config, parts, new FollowingJournal(checkpoints)).run();
            System.out.println("rank " + replicas.rank() + " is done");
        });
        return 0;
    }
}
