package org.airelab.distributed.group.mpi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.PendingWork;
import org.airelab.distributed.group.Reduction;

/** A collective: the ranks compare what they have called, then MPI does it. */
final class Collective extends GroupOperation {
    private final long number;
    private final Announcements announcements;
    private final Arena arena = Arena.ofAuto();
    private Carrier carrier;
    /** Where the reduced values arrive. */
    private long result;

    Collective(MpiGroup group, long number, Call call, MemorySegment input, MemorySegment output, PendingWork work) {
        super(group, call, input, output, work);
        this.number = number;
        this.announcements = new Announcements(group.size(), arena);
    }

    @Override
    void agree(Requests requests) {
        announcements.write(group.rank(), call);
        // What is received comes first: the first request that is not done tells which rank has not come.
        for (int i = 1; i < group.size(); i++) {
            receive(requests, announcements.address(other(i)), Announcements.BYTES, other(i), ANNOUNCEMENT);
        }
        for (int i = 1; i < group.size(); i++) {
            send(requests, announcements.address(group.rank()), Announcements.BYTES, other(i), ANNOUNCEMENT);
        }
    }

    private int other(int i) {
        return (group.rank() + i) % group.size();
    }

    @Override
    UserError late(boolean agreed, int pending) {
        int received = 2 * (group.size() - 1) - pending;
        if (agreed || received >= group.size() - 1) {
            return Failures.error(group.describe(call) + " has not ended on " + group.who(group.rank()) + " within "
                    + Failures.seconds(group.limit(call, group.limits())));
        }
        return Failures.error(Failures.late(group, other(received + 1), call, group.limit(call, group.limits())));
    }

    @Override
    void move(Requests requests) {
        for (int i = 0; i < group.size(); i++) {
            String reason = announcements.aborted(i);
            if (reason != null) {
                throw Failures.error(reason);
            }
            if (!announcements.call(i).equals(call)) {
                throw Failures.error(Failures.mismatch(group, number, call, i, announcements.call(i)));
            }
        }
        if (call.count() == 0) {
            return;
        }
        switch (call.kind()) {
            case ALL_REDUCE -> allReduce(requests);
            case REDUCE_SCATTER -> reduceScatter(requests);
            case ALL_GATHER -> allGather(requests);
            case BROADCAST -> broadcast(requests, output.address(), call.bytes(), call.partner());
            default -> throw new IllegalArgumentException(call.kind() + " moves nothing");
        }
    }

    private void allReduce(Requests requests) {
        carrier = Carrier.of(call);
        result = encoded(output, call.count());
        MemorySegment type = carrier.type(call);
        int bytes = carrier.bytes(call);
        pieces(call.count(), (from, count) -> requests.add(request -> (int) Mpi.IALLREDUCE.invokeExact(Mpi.IN_PLACE,
                MemorySegment.ofAddress(result + from * bytes), count, type, operator(), group.communicator(),
                request)));
    }

    private void reduceScatter(Requests requests) {
        carrier = Carrier.of(call);
        long values = encoded(input, call.count() * group.size());
        MemorySegment type = carrier.type(call);
        int bytes = carrier.bytes(call);
        boolean within = output.address() == input.address() + group.rank() * call.bytes();
        result = carrier == Carrier.SAME && !within ? output.address() : allocate(call.count() * bytes);
        if (call.count() <= group.largestCount()) {
            requests.add(request -> (int) Mpi.IREDUCE_SCATTER_BLOCK.invokeExact(MemorySegment.ofAddress(values),
                    MemorySegment.ofAddress(result), (int) call.count(), type, operator(), group.communicator(),
                    request));
            return;
        }
        for (int i = 0; i < group.size(); i++) {
            int root = i;
            pieces(call.count(), (from, count) -> requests.add(request -> (int) Mpi.IREDUCE.invokeExact(
                    MemorySegment.ofAddress(values + (root * call.count() + from) * bytes),
                    MemorySegment.ofAddress(result + from * bytes), count, type, operator(), root,
                    group.communicator(), request)));
        }
    }

    /** The values as they travel: themselves, or converted. */
    private long encoded(MemorySegment values, long count) {
        if (carrier == Carrier.SAME) {
            return values.address();
        }
        long copy = allocate(count * carrier.bytes(call));
        carrier.encode(call, values.address(), copy, count);
        return copy;
    }

    private long allocate(long bytes) {
        return arena.allocate(bytes, Long.BYTES).address();
    }

    private MemorySegment operator() {
        return call.reduction() == Reduction.SUM ? Mpi.SUM : call.reduction() == Reduction.MAX ? Mpi.MAX : Mpi.MIN;
    }

    private void allGather(Requests requests) {
        copy(input.address(), output.address() + group.rank() * call.bytes(), call.bytes());
        if (call.bytes() <= group.largestCount()) {
            int count = (int) call.bytes();
            requests.add(request -> (int) Mpi.IALLGATHER.invokeExact(Mpi.IN_PLACE, count, Mpi.BYTE,
                    MemorySegment.ofAddress(output.address()), count, Mpi.BYTE, group.communicator(), request));
            return;
        }
        for (int i = 0; i < group.size(); i++) {
            broadcast(requests, output.address() + i * call.bytes(), call.bytes(), i);
        }
    }

    private void broadcast(Requests requests, long address, long bytes, int root) {
        pieces(bytes, (from, count) -> requests.add(request -> (int) Mpi.IBCAST.invokeExact(
                MemorySegment.ofAddress(address + from), count, Mpi.BYTE, root, group.communicator(), request)));
    }

    @Override
    void finish() {
        if (carrier == Carrier.SAME) {
            copy(result, output.address(), call.bytes());
        } else if (carrier != null) {
            carrier.decode(call, result, output.address(), call.count());
        }
    }
}
