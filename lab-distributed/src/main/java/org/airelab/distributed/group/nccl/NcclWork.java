package org.airelab.distributed.group.nccl;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Work;
import org.airelab.distributed.group.gpu.Events;
import org.airelab.kernels.cuda.CudaEvent;

/** A call on its way: handed to its channel, then enqueued on the channel's stream, then past. */
final class NcclWork implements Work {
    private static final int SPINS = 500;
    private static final long PAUSE_NANOS = 20_000;

    final Call call;
    final MemorySegment input;
    final MemorySegment output;
    private final NcclGroup group;
    private final Events events;
    /** Where in the caller's stream the call was issued. */
    private final CudaEvent ready;
    /** Behind the call in the channel's stream; null before it is there. */
    private CudaEvent end;
    private boolean past;
    /** The step that enqueues it. */
    private Work enqueued;

    NcclWork(NcclGroup group, Events events, Call call, MemorySegment input, MemorySegment output) {
        this.group = group;
        this.events = events;
        this.call = call;
        this.input = input;
        this.output = output;
        this.ready = events.take();
        ready.record(group.callers().current());
    }

    /** Before anybody else knows of this work. */
    void enqueuedBy(Work step) {
        enqueued = step;
    }

    CudaEvent ready() {
        return ready;
    }

    /** Tells that the call is in the channel's stream, before the event. */
    synchronized void enqueued(CudaEvent behind) {
        end = behind;
    }

    /** Whether the device has come to where the caller issued it. */
    synchronized boolean begun() {
        return past || ready.past();
    }

    /** Whether it is over on the device; what it used is then free. */
    synchronized boolean past() {
        if (!past && end != null && end.past()) {
            past = true;
            release();
        }
        return past;
    }

    private void release() {
        events.give(ready);
        if (end != null) {
            events.give(end);
        }
    }

    /** Lets go of what it used, although it never ended. */
    synchronized void drop() {
        if (!past) {
            past = true;
            release();
        }
    }

    @Override
    public void await() {
        enqueued.await();
        if (call.kind() == Kind.BARRIER) {
            awaitOnHost();
        } else {
            awaitOnStream();
        }
        group.checkFailed();
    }

    private synchronized void awaitOnStream() {
        if (!past) {
            group.callers().current().await(end);
        }
    }

    /** Waits until it is past, or the group has failed. */
    void awaitOnHost() {
        for (int looks = 0; !group.failed() && !past(); looks++) {
            if (looks < SPINS) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    @Override
    public boolean done() {
        return group.failed() || past();
    }
}
