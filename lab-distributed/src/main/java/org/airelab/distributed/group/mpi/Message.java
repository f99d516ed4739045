package org.airelab.distributed.group.mpi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.PendingWork;

/** One side of a message between two ranks: a header that says what it holds, then its elements. */
final class Message extends GroupOperation {
    private final MemorySegment header = Arena.ofAuto().allocate(Call.BYTES, Long.BYTES);

    Message(MpiGroup group, Call call, MemorySegment values, PendingWork work) {
        super(group, call, values, values, work);
    }

    private boolean sending() {
        return call.kind() == Kind.SEND;
    }

    @Override
    void agree(Requests requests) {
        if (sending()) {
            call.write(header, 0);
            send(requests, header.address(), Call.BYTES, call.partner(), HEADER);
        } else {
            receive(requests, header.address(), Call.BYTES, call.partner(), HEADER);
        }
    }

    @Override
    void move(Requests requests) {
        if (sending()) {
            send(requests, input.address(), call.bytes(), call.partner(), ELEMENTS);
            return;
        }
        Call sent = Call.read(header, 0);
        if (sent.count() != call.count() || sent.type() != call.type()) {
            throw Failures.error(Failures.wrongMessage(group, call, sent));
        }
        receive(requests, output.address(), call.bytes(), call.partner(), ELEMENTS);
    }

    @Override
    void finish() {
        // The elements are where they belong.
    }

    @Override
    UserError late(boolean agreed, int pending) {
        return Failures.error(Failures.late(group, call.partner(), call, group.limits().collective()));
    }
}
