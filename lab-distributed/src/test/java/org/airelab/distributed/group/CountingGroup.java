package org.airelab.distributed.group;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import org.airelab.distributed.group.Call.Kind;

/** A group that counts what its rank, in it and in the groups that are split from it, asks of it. */
public final class CountingGroup extends ProcessGroup {
    private final ProcessGroup group;
    private final Counts counts;

    /** By kind. */
    private record Counts(Map<Kind, Long> calls, Map<Kind, Long> bytes, Map<Kind, Double> sent) {
        Counts() {
            this(new EnumMap<>(Kind.class), new EnumMap<>(Kind.class), new EnumMap<>(Kind.class));
        }
    }

    /** Nothing is counted yet. */
    public CountingGroup(ProcessGroup group) {
        this(group, new Counts());
    }

    private CountingGroup(ProcessGroup group, Counts counts) {
        super(group);
        this.group = group;
        this.counts = counts;
    }

    /** Calls of a kind. */
    public long calls(Kind kind) {
        return counts.calls.getOrDefault(kind, 0L);
    }

    /** Their bytes, of collectives those that all ranks together give or get. */
    public long bytes(Kind kind) {
        return counts.bytes.getOrDefault(kind, 0L);
    }

    /** Bytes of them that the rank sends, collectives by a ring: (g - 1) / g of all, an all-reduce twice that. */
    public double sent(Kind kind) {
        return counts.sent.getOrDefault(kind, 0.0);
    }

    /** Begins again. */
    public void forget() {
        counts.calls.clear();
        counts.bytes.clear();
        counts.sent.clear();
    }

    @Override
    protected Work submit(Call call, MemorySegment input, MemorySegment output) {
        Kind kind = call.kind();
        long whole = Math.max(input.byteSize(), output.byteSize());
        counts.calls.merge(kind, 1L, Long::sum);
        counts.bytes.merge(kind, whole, Long::sum);
        double ring = (size() - 1.0) / size();
        counts.sent.merge(kind, whole * switch (kind) {
            case ALL_REDUCE -> 2 * ring;
            case ALL_GATHER, REDUCE_SCATTER -> ring;
            case BROADCAST, SEND -> 1;
            case RECEIVE, BARRIER -> 0;
        }, Double::sum);
        return group.submit(call, input, output);
    }

    @Override
    public MemorySegment allocate(long bytes) {
        return group.allocate(bytes);
    }

    @Override
    protected ProcessGroup split(String name, int[] chosen, int[] chosenOfRun) {
        return new CountingGroup(group.split(name, chosen, chosenOfRun), counts);
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
