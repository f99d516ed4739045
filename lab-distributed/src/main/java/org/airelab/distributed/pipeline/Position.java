package org.airelab.distributed.pipeline;

import java.util.List;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.WaitClock;
import org.airelab.nn.Stage;
import org.airelab.train.LayerwiseEngine;

/**
 * A rank's place in a pipeline and what it works with there.
 *
 * @param group  the ranks of the pipeline, first to last
 * @param engine of the model's parts that this rank has
 * @param stages this rank's, first to last
 * @param clock  of its waits
 */
record Position(ProcessGroup group, LayerwiseEngine engine, List<Stage> stages, WaitClock clock) {
    /** The rank of the stages below this rank's: the last one for the first rank's chunks but the lowest. */
    int below() {
        return Math.floorMod(group.rank() - 1, group.size());
    }

    /** The rank of the stages above this rank's. */
    int above() {
        return (group.rank() + 1) % group.size();
    }
}
