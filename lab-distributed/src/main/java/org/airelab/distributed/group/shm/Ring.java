package org.airelab.distributed.group.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.kernels.cpu.Lanes;

/** The messages of one rank to another: a ring of bytes, each message a header of one cache line and its elements. */
final class Ring {
    /** Bytes on their way at most; longer messages pass piece by piece. */
    private static final int CAPACITY = 1 << 20;
    private static final int PIECE = 128 << 10;
    private static final int LINE = 64;
    private static final int DATA = 4096;
    /** Bytes of a ring's memory. */
    static final long BYTES = DATA + CAPACITY;

    private static final long WRITTEN = 0;
    private static final long READ = LINE;
    private static final VarHandle LONGS = JAVA_LONG.varHandle();

    private final MemorySegment memory;
    private final ProcessGroup group;
    private final Board board;
    private final Patience patience;
    /** Where this side, sender or receiver, is. */
    private long position;

    Ring(MemorySegment memory, ProcessGroup group, Board board, Patience patience) {
        this.memory = memory;
        this.group = group;
        this.board = board;
        this.patience = patience;
    }

    /** Sends, waiting for room as often as needed. */
    void send(Call call, long values) {
        awaitRoom(call, LINE);
        call.write(memory, at());
        advance(WRITTEN, LINE);
        for (long sent = 0; sent < call.bytes(); ) {
            long piece = piece(call.bytes() - sent);
            awaitRoom(call, padded(piece));
            Lanes.copy(values + sent, memory.address() + at(), piece);
            advance(WRITTEN, padded(piece));
            sent += piece;
        }
    }

    private void awaitRoom(Call call, long bytes) {
        patience.until(call.partner(), call,
                () -> position + bytes - (long) LONGS.getAcquire(memory, READ) <= CAPACITY);
    }

    /** Receives the next message, which must be of the elements expected. */
    void receive(Call call, long values) {
        awaitBytes(call, LINE);
        Call sent = Call.read(memory, at());
        if (sent.count() != call.count() || sent.type() != call.type()) {
            throw patience.fail(Failures.wrongMessage(group, call, sent));
        }
        advance(READ, LINE);
        for (long received = 0; received < call.bytes(); ) {
            long piece = piece(call.bytes() - received);
            awaitBytes(call, padded(piece));
            Lanes.copy(memory.address() + at(), values + received, piece);
            advance(READ, padded(piece));
            received += piece;
        }
    }

    private void awaitBytes(Call call, long bytes) {
        patience.until(call.partner(), call, () -> (long) LONGS.getAcquire(memory, WRITTEN) - position >= bytes);
    }

    /** The next piece of so many bytes: it ends with the ring, if not before. */
    private long piece(long bytes) {
        return Math.min(Math.min(PIECE, bytes), CAPACITY - position % CAPACITY);
    }

    private static long padded(long bytes) {
        return Math.ceilDiv(bytes, LINE) * LINE;
    }

    private long at() {
        return DATA + position % CAPACITY;
    }

    private void advance(long counter, long bytes) {
        position += bytes;
        LONGS.setRelease(memory, counter, position);
        board.ring(group.rank());
    }
}
