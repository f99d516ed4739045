package org.airelab.distributed.group.gpu;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaEvent;

/**
 * Ranks whose arrays lie in GPUs' memory and who exchange them by a group of the host's, through pinned memory of the
 * host. Unlike those of {@link org.airelab.distributed.group.nccl.NcclGroup} several ranks may have the same GPU. Its
 * arithmetic and its failures are the host's group's.
 *
 * <p>A call takes its input behind what the issuing thread's stream holds at that moment. {@link Work#await} holds up
 * the thread until the results are in the GPU's memory: so they are in place for what is enqueued afterwards, on any
 * stream. A call that fails leaves the GPU's memory alone once its work has failed.
 */
public final class StagedGroup extends ProcessGroup {
    /** Enough that what a copy or a collective costs beside its bytes does not count. */
    private static final long MOST_BYTES = 64L << 20;
    private static final String COLLECTIVES = "collectives";

    private final ProcessGroup host;
    private final CudaDevice device;
    private final LongSupplier tensorStream;
    private final Events events;
    private final CallerStreams callers;
    private final Buffers buffers;
    /** As the host's group has them: for the collectives, and for each direction of messages with each other rank. */
    private final Map<String, Stage> stages = new HashMap<>();
    private long mostBytes = MOST_BYTES;
    private boolean closed;

    /**
     * The ranks of a group.
     *
     * @param host         which works on the host's memory, and is closed with this
     * @param device       of this rank, and perhaps of others; it has to stay open until the group is closed
     * @param tensorStream gives the {@code cudaStream_t} on which the thread that asks works with its memory, such as
     *                     {@link org.airelab.torch.TorchStream#current}
     */
    public StagedGroup(ProcessGroup host, CudaDevice device, LongSupplier tensorStream) {
        super(host);
        this.host = host;
        this.device = device;
        this.tensorStream = tensorStream;
        this.events = new Events(device);
        this.callers = new CallerStreams(device, tensorStream);
        this.buffers = new Buffers(device);
    }

    @Override
    protected synchronized Work submit(Call call, MemorySegment input, MemorySegment output) {
        checkOpen();
        CudaEvent ready = events.take();
        ready.record(callers.current());
        return stage(call).submit(call, input, output, ready);
    }

    private Stage stage(Call call) {
        return stage(switch (call.kind()) {
            case SEND -> "to " + call.partner();
            case RECEIVE -> "from " + call.partner();
            default -> COLLECTIVES;
        });
    }

    private synchronized Stage stage(String name) {
        checkOpen();
        return stages.computeIfAbsent(name, _ -> new Stage(this, host, device, events, name));
    }

    /** How many bytes of the host's memory a call passes through at most; more pass one portion after another. */
    long mostBytes() {
        return mostBytes;
    }

    /** Lets tests do with small arrays what is done with large ones. */
    void mostBytes(long bytes) {
        mostBytes = bytes;
    }

    /** Ends the group for all its ranks. */
    UserError fail(String reason) {
        host.abort(reason);
        return Failures.error(reason);
    }

    @Override
    public long[] gather(long value) {
        return stage(COLLECTIVES).gather(value);
    }

    @Override
    protected ProcessGroup split(String name, int[] chosen, int[] chosenOfRun) {
        // What was issued before is done: this rank has gathered the colors behind it.
        return new StagedGroup(host.split(name, chosen[0]), device, tensorStream);
    }

    @Override
    public synchronized MemorySegment allocate(long bytes) {
        checkOpen();
        return buffers.allocate(bytes);
    }

    @Override
    public String toString() {
        return host + ", to and from which the GPU copies";
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("group " + name() + " is closed");
        }
    }

    @Override
    protected void lookAfter(Consumer<String> told) {
        host.onFailure(told);
    }

    @Override
    public void abort(String reason) {
        host.abort(reason);
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        stages.values().forEach(Stage::close);
        host.close();
        events.close();
        callers.close();
        buffers.close();
    }
}
