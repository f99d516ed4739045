package org.airelab.distributed.group.nccl;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Lane;
import org.airelab.distributed.group.PendingWork;
import org.airelab.distributed.group.Work;
import org.airelab.distributed.group.gpu.Events;
import org.airelab.kernels.cuda.CudaEvent;
import org.airelab.kernels.cuda.CudaStream;

/**
 * Calls that follow one another: the collectives of a group, or the messages from one rank to another. It has a stream,
 * a communicator and a thread that hands calls to NCCL, which may wait there for other ranks while it connects.
 */
final class Channel {
    final String topic;
    /** The ranks that take part. */
    final int[] ranks;
    private final NcclGroup group;
    private final Events events;
    private final Supplier<Communicator> meet;
    private final CudaStream stream;
    private final Lane lane;
    /** Issued and not known to be past. */
    private final ArrayDeque<NcclWork> pending = new ArrayDeque<>();
    private long finished;
    /** The call that was the last to end. */
    private Call last;
    private volatile Communicator communicator;

    /**
     * A channel.
     *
     * @param topic the same on all ranks that take part
     * @param meet  makes the communicator, before the first call
     */
    Channel(NcclGroup group, Events events, String topic, int[] ranks, Supplier<Communicator> meet) {
        this.group = group;
        this.events = events;
        this.topic = topic;
        this.ranks = ranks;
        this.meet = meet;
        this.stream = new CudaStream(group.device());
        this.lane = new Lane("group " + group.name() + " " + topic);
    }

    /** A channel of the whole group, whose communicator is there. */
    Channel(NcclGroup group, Events events, String topic, Communicator communicator) {
        this(group, events, topic, IntStream.range(0, group.size()).toArray(), () -> communicator);
        this.communicator = communicator;
    }

    synchronized Work submit(Call call, MemorySegment input, MemorySegment output) {
        NcclWork work = new NcclWork(group, events, call, input, output);
        PendingWork step = new PendingWork();
        work.enqueuedBy(lane.add(step, () -> run(step, () -> enqueue(work), group.describe(call))));
        pending.add(work);
        return work;
    }

    /** Does something with the communicator between the calls, and waits for it. */
    <T> T between(String what, Function<Communicator, T> task) {
        PendingWork step = new PendingWork();
        var result = new AtomicReference<T>();
        lane.add(step, () -> run(step, () -> result.set(task.apply(communicator())), what)).await();
        return result.get();
    }

    private void run(PendingWork step, Runnable task, String what) {
        try {
            group.checkFailed();
            group.device().enter();
            task.run();
            step.complete();
        } catch (UserError e) {
            step.fail(e);
        } catch (RuntimeException | Error e) {
            step.fail(group.fail(group.who(group.rank()) + " failed in " + what + ": " + e.getMessage()));
        }
    }

    private Communicator communicator() {
        if (communicator == null) {
            communicator = meet.get();
        }
        return communicator;
    }

    private void enqueue(NcclWork work) {
        Communicator to = communicator();
        stream.await(work.ready());
        if (work.call.count() > 0 || work.call.kind() == Kind.BARRIER) {
            to.call(work.call.kind().toString(), handle -> issue(work, handle), group::checkFailed);
        }
        CudaEvent end = events.take();
        end.record(stream);
        work.enqueued(end);
    }

    /** The call of NCCL. Messages have a communicator of two: the sender is its rank 0, the receiver its rank 1. */
    private int issue(NcclWork work, MemorySegment communicator) throws Throwable {
        Call call = work.call;
        MemorySegment in = MemorySegment.ofAddress(work.input.address());
        MemorySegment out = MemorySegment.ofAddress(work.output.address());
        MemorySegment queue = MemorySegment.ofAddress(stream.number());
        int type = Nccl.code(call.type());
        int reduction = call.reduction() == null ? 0 : Nccl.code(call.reduction());
        return switch (call.kind()) {
            case ALL_REDUCE -> (int) Nccl.ALL_REDUCE.invokeExact(in, out, call.count(), type, reduction,
                    communicator, queue);
            case BARRIER -> (int) Nccl.ALL_REDUCE.invokeExact(in, out, 1L, type, reduction, communicator, queue);
            case REDUCE_SCATTER -> (int) Nccl.REDUCE_SCATTER.invokeExact(in, out, call.count(), type, reduction,
                    communicator, queue);
            case ALL_GATHER -> (int) Nccl.ALL_GATHER.invokeExact(in, out, call.count(), type, communicator, queue);
            case BROADCAST -> (int) Nccl.BROADCAST.invokeExact(in, out, call.count(), type, call.partner(),
                    communicator, queue);
            case SEND -> (int) Nccl.SEND.invokeExact(in, call.count(), type, 1, communicator, queue);
            case RECEIVE -> (int) Nccl.RECEIVE.invokeExact(out, call.count(), type, 0, communicator, queue);
        };
    }

    /** How far it has come. */
    synchronized Standing standing() {
        while (!pending.isEmpty() && pending.getFirst().past()) {
            last = pending.removeFirst().call;
            finished++;
        }
        NcclWork next = pending.peekFirst();
        return new Standing(finished, last, next != null && next.begun() ? next.call : null);
    }

    /** What NCCL has found wrong since it was called, in words; null for nothing. */
    String error() {
        Communicator current = communicator;
        return current == null ? null : current.error();
    }

    void abort() {
        Communicator current = communicator;
        if (current != null) {
            current.abort();
        }
    }

    /** Waits until no more calls are under way, or the group has failed. */
    void drain() {
        lane.close();
        NcclWork last;
        synchronized (this) {
            last = pending.peekLast();
        }
        if (last != null) {
            last.awaitOnHost();
        }
    }

    /** Frees all; drained before. */
    void close(Duration limit) {
        if (communicator != null && !group.failed()) {
            communicator.close(limit);
        }
        synchronized (this) {
            pending.forEach(NcclWork::drop);
            pending.clear();
        }
        stream.close();
    }
}
