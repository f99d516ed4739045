package org.airelab.distributed.contextparallel;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;

/** A group that counts the bytes its rank sends in messages; it has no collectives. */
final class CountingGroup extends ProcessGroup {
    private final ProcessGroup group;
    private long sent;

    CountingGroup(ProcessGroup group) {
        super(group.name(), group.rank(), IntStream.range(0, group.size()).toArray());
        this.group = group;
    }

    /** Bytes sent since the last time. */
    long takeSent() {
        long bytes = sent;
        sent = 0;
        return bytes;
    }

    @Override
    protected Work submit(Call call, MemorySegment input, MemorySegment output) {
        if (call.kind() == Kind.RECEIVE) {
            return group.receive(output, call.type(), call.partner());
        }
        if (call.kind() != Kind.SEND) {
            throw new AssertionError(call.kind().toString());
        }
        sent += call.bytes();
        return group.send(input, call.type(), call.partner());
    }

    @Override
    public MemorySegment allocate(long bytes) {
        throw new AssertionError("nobody asks for this here");
    }

    @Override
    protected ProcessGroup split(String name, int[] chosen, int[] chosenOfRun) {
        throw new AssertionError("nobody asks for this here");
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
