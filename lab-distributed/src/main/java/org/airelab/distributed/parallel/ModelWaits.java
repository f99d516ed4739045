package org.airelab.distributed.parallel;

import ai.djl.Device;
import java.util.Arrays;
import java.util.function.Supplier;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.TimedGroup;
import org.airelab.distributed.group.WaitClock;
import org.airelab.distributed.group.gpu.DeviceWaitClock;
import org.airelab.distributed.pipeline.Pipeline;

/**
 * For how long, within steps, ranks wait for those with which they share a model or a sequence. All ranks of the run
 * make the same steps.
 */
final class ModelWaits implements AutoCloseable {
    private final ProcessGroup world;
    private final WaitClock clock;
    /** Has a clock of its own, for its bubble; null where there is none. */
    private Pipeline pipeline;
    /** For which that rank waited which waited longest, of each step. */
    private long longestNanos;

    /** @param device of this rank */
    ModelWaits(ProcessGroup world, Device device) {
        this(world, DeviceWaitClock.of(device));
    }

    ModelWaits(ProcessGroup world, WaitClock clock) {
        this.world = world;
        this.clock = clock;
    }

    /** A group as it is, but that waits for its work count. */
    ProcessGroup timed(ProcessGroup group) {
        return new TimedGroup(group, clock);
    }

    /** Lets the waits of a pipeline's ranks count. */
    void with(Pipeline ranks) {
        pipeline = ranks;
    }

    /** A step, at whose end the ranks tell each other how long they have waited. */
    <T> T step(Supplier<T> step) {
        double before = waited();
        T result = step.get();
        long mine = Math.round(1e9 * (waited() - before));
        longestNanos += Arrays.stream(world.gather(mine)).max().orElseThrow();
        return result;
    }

    private double waited() {
        return clock.seconds() + (pipeline == null ? 0 : pipeline.waitedSeconds());
    }

    /** Of each step those of the rank that waited longest, added up: the same on all ranks. */
    double seconds() {
        return longestNanos / 1e9;
    }

    @Override
    public void close() {
        clock.close();
    }
}
