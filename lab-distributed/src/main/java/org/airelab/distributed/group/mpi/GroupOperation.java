package org.airelab.distributed.group.mpi;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.PendingWork;
import org.airelab.kernels.cpu.Lanes;

/** What collectives and messages have in common: requests of MPI in two rounds, and a limit of time. */
abstract class GroupOperation implements Operation {
    /** Tags of messages. */
    static final int ANNOUNCEMENT = 1;
    static final int HEADER = 2;
    static final int ELEMENTS = 3;

    /**
     * What was cut short. MPI's requests point to its memory, which stays as long as the process; that of callers is
     * theirs, which MPI, called no more, leaves alone, but for an adapter that writes by itself. Used by
     * {@link MpiThread} alone.
     */
    private static final List<GroupOperation> CUT_SHORT = new ArrayList<>();

    final MpiGroup group;
    final Call call;
    final MemorySegment input;
    final MemorySegment output;
    private final PendingWork work;
    private Requests requests;
    private int round;
    private long start;

    GroupOperation(MpiGroup group, Call call, MemorySegment input, MemorySegment output, PendingWork work) {
        this.group = group;
        this.call = call;
        this.input = input;
        this.output = output;
        this.work = work;
    }

    /** Starts the first round: how the ranks agree about what is to be done. */
    abstract void agree(Requests requests);

    /** Looks at what the first round has brought and starts the second, of the elements. */
    abstract void move(Requests requests);

    /** After the second round. */
    abstract void finish();

    /** What to say when a round takes too long. */
    abstract UserError late(boolean agreed, int pending);

    @Override
    public boolean advance() {
        group.checkFailed();
        if (requests == null) {
            start = System.nanoTime();
            requests = new Requests();
            agree(requests);
        }
        if (!requests.done()) {
            if (System.nanoTime() - start > group.limit(call, group.limits()).toNanos()) {
                throw late(round > 0, requests.pending());
            }
            return false;
        }
        if (round++ == 0) {
            move(requests);
        } else {
            finish();
        }
        return true;
    }

    @Override
    public boolean ended() {
        return round == 2;
    }

    @Override
    public void complete() {
        work.complete();
    }

    @Override
    public void fail(RuntimeException reason) {
        CUT_SHORT.add(this);
        work.fail(reason);
    }

    /** Starts sending bytes, in pieces that MPI can count. */
    void send(Requests requests, long address, long bytes, int to, int tag) {
        pieces(bytes, (from, count) -> requests.add(request -> (int) Mpi.ISEND.invokeExact(
                MemorySegment.ofAddress(address + from), count, Mpi.BYTE, to, tag, group.communicator(), request)));
    }

    /** Starts receiving what {@link #send} sends. */
    void receive(Requests requests, long address, long bytes, int from, int tag) {
        pieces(bytes, (offset, count) -> requests.add(request -> (int) Mpi.IRECV.invokeExact(
                MemorySegment.ofAddress(address + offset), count, Mpi.BYTE, from, tag, group.communicator(), request)));
    }

    /** A range from {@code from} of {@code count}. */
    interface Piece {
        void accept(long from, int count);
    }

    /** Cuts a count that may be larger than an {@code int}. */
    void pieces(long count, Piece piece) {
        for (long from = 0; from < count; from += group.largestCount()) {
            piece.accept(from, (int) Math.min(group.largestCount(), count - from));
        }
    }

    static void copy(long from, long to, long bytes) {
        if (from != to) {
            Lanes.copy(from, to, bytes);
        }
    }
}
