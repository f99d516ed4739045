package org.airelab.distributed.group.gpu;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicReference;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Lane;
import org.airelab.distributed.group.PendingWork;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaEvent;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.PinnedBuffer;

/** Calls of a {@link StagedGroup} that follow one another, with the memory of the host they pass through. */
final class Stage {
    private final StagedGroup group;
    private final ProcessGroup host;
    private final CudaDevice device;
    private final Events events;
    private final CudaStream stream;
    private final Lane lane;
    /** As large as was needed so far; null before the first call. */
    private PinnedBuffer pinned;

    Stage(StagedGroup group, ProcessGroup host, CudaDevice device, Events events, String name) {
        this.group = group;
        this.host = host;
        this.device = device;
        this.events = events;
        this.stream = new CudaStream(device);
        this.lane = new Lane("group " + group.name() + " staged " + name);
    }

    /** Appends a call, which is to begin behind an event; that is given back then. */
    Work submit(Call call, MemorySegment input, MemorySegment output, CudaEvent ready) {
        PendingWork work = new PendingWork();
        return lane.add(work, () -> {
            run(work, group.describe(call), () -> {
                // Not only what reads the input: what the caller has enqueued may still use the output's memory.
                stream.await(ready);
                run(call, input, output);
            });
            events.give(ready);
            Reference.reachabilityFence(input);
            Reference.reachabilityFence(output);
        });
    }

    /** Every rank's number, behind the calls so far: the host's group counts it among them. */
    long[] gather(long value) {
        PendingWork work = new PendingWork();
        var result = new AtomicReference<long[]>();
        lane.add(work, () -> run(work, "group " + group.name(), () -> result.set(host.gather(value)))).await();
        return result.get();
    }

    private void run(PendingWork work, String what, Runnable task) {
        try {
            task.run();
            work.complete();
        } catch (UserError e) {
            work.fail(e);
        } catch (RuntimeException | Error e) {
            work.fail(group.fail(group.who(group.rank()) + " failed in " + what + ": " + e.getMessage()));
        }
    }

    private void run(Call call, MemorySegment input, MemorySegment output) {
        if (call.kind() == Kind.BARRIER) {
            stream.synchronize();
            host.barrier().await();
            return;
        }
        int blocks = call.kind() == Kind.ALL_GATHER || call.kind() == Kind.REDUCE_SCATTER ? group.size() : 1;
        long most = group.mostBytes() / blocks / call.type().bytes();
        long done = 0;
        try {
            do {
                // Without elements, too: the ranks compare their calls.
                long count = Math.min(most, call.count() - done);
                move(new Portion(call, done, count, pinned(blocks * count * call.type().bytes())), input, output);
                done += count;
            } while (done < call.count());
        } finally {
            stream.synchronize();
        }
    }

    /** Memory of the host, which copies that were enqueued before may still read. */
    private MemorySegment pinned(long bytes) {
        if (pinned == null || pinned.memory().byteSize() < bytes) {
            if (pinned != null) {
                stream.synchronize();
                pinned.close();
                pinned = null;
            }
            pinned = new PinnedBuffer(device, Math.max(1, bytes));
        }
        return pinned.memory().asSlice(0, bytes);
    }

    private void move(Portion part, MemorySegment input, MemorySegment output) {
        Call call = part.call();
        int mine = group.rank();
        switch (call.kind()) {
            case ALL_REDUCE -> {
                fetch(part, input, 0, 0);
                host.allReduce(fetched(part), call.type(), call.reduction()).await();
                bring(part, 0, output, 0);
            }
            case REDUCE_SCATTER -> {
                for (int i = 0; i < group.size(); i++) {
                    fetch(part, input, i, i);
                }
                host.reduceScatter(fetched(part), part.ofHost(mine), call.type(), call.reduction()).await();
                bring(part, mine, output, 0);
            }
            case ALL_GATHER -> {
                fetch(part, input, 0, mine);
                host.allGather(part.ofHost(mine), fetched(part), call.type()).await();
                for (int i = 0; i < group.size(); i++) {
                    bring(part, i, output, i);
                }
            }
            case BROADCAST -> {
                if (mine == call.partner()) {
                    fetch(part, input, 0, 0);
                }
                host.broadcast(fetched(part), call.type(), call.partner()).await();
                if (mine != call.partner()) {
                    bring(part, 0, output, 0);
                }
            }
            case SEND -> {
                fetch(part, input, 0, 0);
                host.send(fetched(part), call.type(), call.partner()).await();
            }
            case RECEIVE -> {
                // Copies of the portion before may still read the memory of the host.
                host.receive(fetched(part), call.type(), call.partner()).await();
                bring(part, 0, output, 0);
            }
            default -> throw new IllegalArgumentException(call.kind() + " moves nothing");
        }
    }

    private void fetch(Portion part, MemorySegment memory, int block, int hostBlock) {
        stream.copy(part.ofDevice(memory, block), part.ofHost(hostBlock));
    }

    /** The memory of the host once all that was enqueued before is done. */
    private MemorySegment fetched(Portion part) {
        stream.synchronize();
        return part.stage();
    }

    private void bring(Portion part, int hostBlock, MemorySegment memory, int block) {
        stream.copy(part.ofHost(hostBlock), part.ofDevice(memory, block));
    }

    /** Frees all once the calls are done; there must be no more. */
    void close() {
        lane.close();
        if (pinned != null) {
            pinned.close();
        }
        stream.close();
    }

    /**
     * Elements of a call that pass at a time; where it has blocks, so many of each.
     *
     * @param from  the first
     * @param stage memory of the host, block behind block
     */
    private record Portion(Call call, long from, long count, MemorySegment stage) {
        MemorySegment ofDevice(MemorySegment memory, int block) {
            int bytes = call.type().bytes();
            return memory.asSlice((block * call.count() + from) * bytes, count * bytes);
        }

        MemorySegment ofHost(int block) {
            long bytes = count * call.type().bytes();
            return stage.asSlice(block * bytes, bytes);
        }
    }
}
