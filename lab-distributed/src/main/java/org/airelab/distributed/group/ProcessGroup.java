package org.airelab.distributed.group;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.torch.ScalarType;

/**
 * Ranks 0 to {@link #size()} - 1 that exchange arrays; one object a rank. Every rank issues the same collectives in the
 * same order. They run beside the caller's thread, in that order; messages between two ranks keep their own order and
 * pass collectives by. All ranks get the same bits, whatever the timing. By what a group does it its text says.
 *
 * <p>Memory is native (or the device's, for ranks on GPUs), aligned to elements. It must stay allocated, and
 * untouched, until the {@link Work} is done. A rank may have no elements to give (count 0), but all ranks then have
 * none. Where a call has two arrays they do not overlap, except where it says so.
 *
 * <p>A failure of one rank is a failure of the group: each rank's pending and later work fails with a
 * {@link org.airelab.base.UserError} that names the rank at fault, counted in the whole run.
 */
public abstract class ProcessGroup implements AutoCloseable {
    private final String name;
    private final int rank;
    private final int[] members;
    private volatile boolean lookedAfter;

    /**
     * A group of which this process, or thread, is one rank.
     *
     * @param name    for messages
     * @param rank    of the caller
     * @param members for each rank of this group its rank in the whole run
     */
    protected ProcessGroup(String name, int rank, int... members) {
        this.name = name;
        this.rank = rank;
        this.members = members.clone();
    }

    /** The same ranks as another group's, for a group that works by it. */
    protected ProcessGroup(ProcessGroup other) {
        this(other.name, other.rank, other.members);
    }

    /** What messages call this group. */
    public final String name() {
        return name;
    }

    /** This rank, from 0. */
    public final int rank() {
        return rank;
    }

    /** The number of ranks. */
    public final int size() {
        return members.length;
    }

    /** Replaces each element by the reduction over all ranks' elements at its place. */
    public final Work allReduce(MemorySegment values, ScalarType type, Reduction reduction) {
        Operands.reducible(type);
        return submit(new Call(Kind.ALL_REDUCE, type, reduction, Call.NOBODY, Operands.count(values, type)),
                values, values);
    }

    /**
     * Gives each rank a part of a reduction.
     *
     * @param input  one block for each rank, in their order
     * @param output one block: the reduction over all ranks' blocks for this rank; may be this rank's block of
     *               {@code input}
     */
    public final Work reduceScatter(MemorySegment input, MemorySegment output, ScalarType type, Reduction reduction) {
        Operands.reducible(type);
        long count = Operands.count(output, type);
        Operands.blocks("input", input, size(), count, type);
        return submit(new Call(Kind.REDUCE_SCATTER, type, reduction, Call.NOBODY, count), input, output);
    }

    /**
     * Gives every rank the blocks of all.
     *
     * @param input  one block; may be this rank's block of {@code output}
     * @param output the blocks of all ranks, in their order
     */
    public final Work allGather(MemorySegment input, MemorySegment output, ScalarType type) {
        long count = Operands.count(input, type);
        Operands.blocks("output", output, size(), count, type);
        return submit(new Call(Kind.ALL_GATHER, type, null, Call.NOBODY, count), input, output);
    }

    /** Gives every rank what rank {@code root} has. */
    public final Work broadcast(MemorySegment values, ScalarType type, int root) {
        Operands.rank(root, size());
        return submit(new Call(Kind.BROADCAST, type, null, root, Operands.count(values, type)), values, values);
    }

    /** Sends a message; done when the memory may be used again, not when it was received. */
    public final Work send(MemorySegment values, ScalarType type, int to) {
        Operands.otherRank(to, rank, size());
        return submit(new Call(Kind.SEND, type, null, to, Operands.count(values, type)), values, values);
    }

    /** Receives the next message of a rank, which must have just these elements. */
    public final Work receive(MemorySegment values, ScalarType type, int from) {
        Operands.otherRank(from, rank, size());
        return submit(new Call(Kind.RECEIVE, type, null, from, Operands.count(values, type)), values, values);
    }

    /** Done when every rank has issued it. */
    public final Work barrier() {
        return submit(new Call(Kind.BARRIER, ScalarType.UINT8, null, Call.NOBODY, 0), MemorySegment.NULL,
                MemorySegment.NULL);
    }

    /**
     * Makes groups of the ranks that come with the same color, in their order here. Every rank takes part and waits
     * for the others.
     *
     * @param name  of the group this rank will be in, for messages
     * @param color any number
     */
    public final ProcessGroup split(String name, int color) {
        long[] colors = gather(color);
        int[] chosen = IntStream.range(0, size()).filter(i -> colors[i] == color).toArray();
        return split(name, chosen, IntStream.of(chosen).map(i -> members[i]).toArray());
    }

    /**
     * Every rank's number, in their order. Every rank takes part and waits for the others. (A back end whose memory is
     * not the host's has to do it otherwise.)
     */
    public long[] gather(long value) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment values = arena.allocate(JAVA_LONG, size());
            allGather(arena.allocateFrom(JAVA_LONG, value), values, ScalarType.INT64).await();
            return values.toArray(JAVA_LONG);
        }
    }

    /**
     * Memory of at least cache-line alignment, zeros, that this back end's collectives work on faster than on other
     * memory. Every rank takes part, with the same size, and waits for the others. It is there until {@link #close}.
     */
    public abstract MemorySegment allocate(long bytes);

    /**
     * The same where ranks have memory of their host together and there is room for it: on all ranks, else on none,
     * which is no failure. A back end whose collectives are no faster there has none.
     */
    public Optional<MemorySegment> allocateShared(long bytes) {
        return Optional.empty();
    }

    /** Lets all ranks' pending and later work fail, for the reason given: one sentence without a full stop. */
    public abstract void abort(String reason);

    /**
     * Tells, at once or when it happens, why the group has failed, whatever this rank is at: of the group of all ranks
     * that also is that a rank has died or stands still while nobody waits for it in a call. Who asks is to end the
     * process where what it is at does not let it notice: it may wait for a lock that the rank at fault holds.
     *
     * @param told is given the reason, a sentence without a full stop, once at most and not after {@link #close}, by a
     *             thread that it must not keep
     */
    public final void onFailure(Consumer<String> told) {
        lookAfter(told);
        lookedAfter = true;
    }

    /** Does what {@link #onFailure} promises. */
    protected void lookAfter(Consumer<String> told) {
        throw new UnsupportedOperationException("this group tells nobody: " + this);
    }

    /**
     * For how long other ranks may be at their parts of a call. It is far longer at a barrier of ranks that look after
     * each other: there all wait while one does what takes its time, such as writing a large checkpoint.
     */
    public final Duration limit(Call call, Limits limits) {
        return call.kind() == Kind.BARRIER && lookedAfter && missesAnyRank() ? limits.barrier() : limits.collective();
    }

    /** Whether, having been asked to look after its ranks, it would miss each of them now. */
    protected boolean missesAnyRank() {
        return true;
    }

    /** Waits for this rank's pending work, then leaves: whoever still waits for this rank fails. */
    @Override
    public abstract void close();

    /** Issues a call whose arguments were checked. */
    protected abstract Work submit(Call call, MemorySegment input, MemorySegment output);

    /**
     * Makes the group of some ranks, while the other ranks make theirs.
     *
     * @param chosen       ranks of this group, ascending, the caller among them
     * @param chosenOfRun  the same in the whole run
     */
    protected abstract ProcessGroup split(String name, int[] chosen, int[] chosenOfRun);

    /** A rank of this group as messages name it. */
    public final String who(int rank) {
        return "rank " + members[rank];
    }

    /** A call of this group as messages name it. */
    public final String describe(Call call) {
        return call.describe(this) + " in group " + name;
    }
}
