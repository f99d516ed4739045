package org.airelab.distributed.group;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Another group, closed with this one, and a clock that takes the time for which its work is awaited. */
public final class TimedGroup extends ProcessGroup {
    private final ProcessGroup group;
    private final WaitClock clock;

    /** Takes the time from now on. */
    public TimedGroup(ProcessGroup group, WaitClock clock) {
        super(group);
        this.group = group;
        this.clock = clock;
    }

    @Override
    protected Work submit(Call call, MemorySegment input, MemorySegment output) {
        Work work = group.submit(call, input, output);
        return new Work() {
            @Override
            public void await() {
                clock.await(work);
            }

            @Override
            public boolean done() {
                return work.done();
            }
        };
    }

    @Override
    public long[] gather(long value) {
        return group.gather(value);
    }

    @Override
    public MemorySegment allocate(long bytes) {
        return group.allocate(bytes);
    }

    @Override
    public Optional<MemorySegment> allocateShared(long bytes) {
        return group.allocateShared(bytes);
    }

    @Override
    protected ProcessGroup split(String name, int[] chosen, int[] chosenOfRun) {
        return new TimedGroup(group.split(name, chosen, chosenOfRun), clock);
    }

    @Override
    public String toString() {
        return group.toString();
    }

    @Override
    public void abort(String reason) {
        group.abort(reason);
    }

    @Override
    public void close() {
        group.close();
    }
}
