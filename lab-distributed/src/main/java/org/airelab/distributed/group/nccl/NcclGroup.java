package org.airelab.distributed.group.nccl;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;
import org.airelab.distributed.group.gpu.Buffers;
import org.airelab.distributed.group.gpu.CallerStreams;
import org.airelab.distributed.group.gpu.Events;
import org.airelab.distributed.group.store.Store;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.DeviceBuffer;
import org.airelab.torch.ScalarType;

/**
 * A process group of GPUs, by NCCL. Memory is the device's.
 *
 * <p>A call waits on the device, not on the host, for what the issuing thread's stream holds at that moment; and
 * {@link Work#await} makes the awaiting thread's stream wait for the call. So results are in place for what is enqueued
 * afterwards; the host sees them when it has waited for its stream. Only {@link #barrier} is waited for on the host,
 * which is what barriers are for. A call that fails later lets the streams go on, with what its memory then holds, and
 * the next call or await throws.
 *
 * <p>Arithmetic is NCCL's own: half types are rounded after each addition, and the largest and smallest of
 * floating-point values are {@code fmax}'s and {@code fmin}'s, which pass NaN by. Sums are formed in an order that NCCL
 * chooses by the number of elements and ranks: the same bits on all ranks, but others than another back end's. That two
 * ranks have issued different calls is noticed when they stand still over it.
 *
 * <p>Each direction of messages between two ranks has a communicator of its own, made with the first message: else a
 * message would wait for all that was issued before it.
 */
public final class NcclGroup extends ProcessGroup {
    static final String WORLD = "world";
    /** Under which a rank tells that it has left, as it does under topics how far it has come. */
    static final String LEFT = "left";
    private static final String COLLECTIVES = "collectives";
    /** How long a rank that keeps the store lets others read why it fails. */
    private static final long TELLING_MILLIS = 1000;

    /** What groups of one rank share. */
    private record Rank(Store store, CudaDevice device, LongSupplier tensorStream, Limits limits) {
    }

    private final Rank shared;
    private final String id;
    private final int[] members;
    private final Events events;
    private final Map<String, Channel> channels = new ConcurrentHashMap<>();
    private final CallerStreams callers;
    private final Buffers buffers;
    private final MemorySegment token;
    private final Watchdog watchdog;
    private final Object failing = new Object();
    private int splits;
    private boolean closed;
    private volatile UserError failure;

    private NcclGroup(String name, int rank, int[] members, String id, Rank shared, Communicator communicator) {
        super(name, rank, members);
        this.shared = shared;
        this.id = id;
        this.members = members.clone();
        this.events = new Events(shared.device());
        this.callers = new CallerStreams(shared.device(), shared.tensorStream());
        this.buffers = new Buffers(shared.device());
        this.token = buffers.allocate(Integer.BYTES);
        channels.put(COLLECTIVES, new Channel(this, events, COLLECTIVES, communicator));
        this.watchdog = new Watchdog(this, shared.store(), failureKey(id), shared.limits());
    }

    /** Whether NCCL's library is installed, or within libtorch. */
    public static boolean available() {
        return NcclLibrary.available();
    }

    /** NCCL's version, such as {@code 2.23.4}; throws {@link UserError} where it is not installed. */
    public static String version() {
        NcclLibrary.get();
        return Nccl.version();
    }

    /**
     * Joins the ranks of a run, and waits for all to come.
     *
     * @param place        where rank 0 listens for the others, MASTER_ADDR and MASTER_PORT; not used by a single rank
     * @param device       of this rank alone; it has to stay open until the group is closed
     * @param tensorStream gives the {@code cudaStream_t} on which the thread that asks works with its memory, such as
     *                     {@link org.airelab.torch.TorchStream#current}
     * @throws UserError where NCCL is not installed, and when a rank does not come, comes twice, expects another number
     *                   of ranks or has another's GPU
     */
    public static NcclGroup join(InetSocketAddress place, int rank, int size, CudaDevice device,
            LongSupplier tensorStream, Limits limits) {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException("expected a rank from 0 to the number of ranks less one, found rank "
                    + rank + " of " + size);
        }
        NcclLibrary.get();
        Store store = Store.open(place, rank, size, limits.start(), limits.silence());
        try {
            device.enter();
            Communicator communicator = new Meeting(store, rank, size, device.busId(), limits).communicator();
            return new NcclGroup(WORLD, rank, IntStream.range(0, size).toArray(), WORLD,
                    new Rank(store, device, tensorStream, limits), communicator);
        } catch (RuntimeException e) {
            UserError error = e instanceof UserError known ? known
                    : Failures.error("rank " + rank + " cannot join the others: " + e.getMessage());
            tellLast(store, failureKey(WORLD), error.getMessage(), rank == 0 && size > 1);
            store.close();
            throw error;
        }
    }

    /** Writes the last that others learn of this rank, and gives them time to read it where it keeps the store. */
    private static void tellLast(Store store, String name, String text, boolean keeper) {
        try {
            store.putFirst(name, text);
            if (keeper) {
                Thread.sleep(TELLING_MILLIS);
            }
        } catch (Store.Gone e) {
            // Then rank 0 has ended, for reasons of its own, and nobody is there to be told.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    protected synchronized Work submit(Call call, MemorySegment input, MemorySegment output) {
        checkOpen();
        checkFailed();
        return switch (call.kind()) {
            case SEND -> messages(rank(), call.partner()).submit(call, input, output);
            case RECEIVE -> messages(call.partner(), rank()).submit(call, input, output);
            case BARRIER -> channels.get(COLLECTIVES).submit(call, token, token);
            default -> channels.get(COLLECTIVES).submit(call, input, output);
        };
    }

    private Channel messages(int from, int to) {
        String topic = from + "-" + to;
        return channels.computeIfAbsent(topic, _ -> new Channel(this, events, topic, new int[] {from, to},
                () -> Meeting.pair(shared.store(), "pair/" + id + "/" + topic, rank() == from, this::checkFailed)));
    }

    CudaDevice device() {
        return shared.device();
    }

    CallerStreams callers() {
        return callers;
    }

    Collection<Channel> channels() {
        return channels.values();
    }

    /** A rank of this group as a rank of the run. */
    int member(int rank) {
        return members[rank];
    }

    /** Where in the store a rank of the group tells something; with "" for the rank what such names begin with. */
    String key(String topic, Object rank) {
        return id + "/" + topic + "/" + rank;
    }

    static String failureKey(String id) {
        return id + "/failure";
    }

    boolean failed() {
        return failure != null;
    }

    /** Throws what has ended this group, if something has. */
    void checkFailed() {
        if (failure != null) {
            throw failure;
        }
    }

    /** Ends the group for all its ranks; the first reason given by any of them stays. */
    UserError fail(String sentence) {
        synchronized (failing) {
            if (failure == null) {
                failure = Failures.error(firstReason(sentence));
            }
        }
        channels.values().forEach(Channel::abort);
        return failure;
    }

    private String firstReason(String sentence) {
        try {
            return shared.store().putFirst(failureKey(id), sentence);
        } catch (Store.Gone e) {
            return sentence;
        }
    }

    @Override
    public synchronized void abort(String reason) {
        if (!closed) {
            fail(reason);
        }
    }

    @Override
    protected void lookAfter(Consumer<String> told) {
        watchdog.onFailure(told);
    }

    @Override
    public long[] gather(long value) {
        try (DeviceBuffer all = new DeviceBuffer(device(), (long) size() * Long.BYTES);
                Arena arena = Arena.ofConfined()) {
            MemorySegment mine = all.memory().asSlice((long) rank() * Long.BYTES, Long.BYTES);
            MemorySegment host = arena.allocate(JAVA_LONG, size());
            callers.current().copy(arena.allocateFrom(JAVA_LONG, value), mine);
            allGather(mine, all.memory(), ScalarType.INT64).await();
            callers.current().copy(all.memory(), host);
            callers.current().synchronize();
            checkFailed();
            return host.toArray(JAVA_LONG);
        }
    }

    @Override
    protected ProcessGroup split(String name, int[] chosen, int[] chosenOfRun) {
        int split;
        synchronized (this) {
            checkOpen();
            split = splits++;
        }
        long end = System.nanoTime() + shared.limits().collective().toNanos();
        Communicator made = channels.get(COLLECTIVES).between("splitting group " + name(),
                whole -> whole.split(chosen[0], rank(), () -> {
                    checkFailed();
                    if (System.nanoTime() > end) {
                        throw new IllegalStateException("it has not ended within "
                                + Failures.seconds(shared.limits().collective()));
                    }
                }));
        shared.store().share();
        return new NcclGroup(name, Arrays.binarySearch(chosen, rank()), chosenOfRun,
                id + "." + split + "-" + chosen[0], shared, made);
    }

    @Override
    public synchronized MemorySegment allocate(long bytes) {
        checkOpen();
        return buffers.allocate(bytes);
    }

    @Override
    public String toString() {
        return "NCCL " + version();
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("group " + name() + " is closed");
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        channels.values().forEach(Channel::drain);
        watchdog.close();
        tellLast(shared.store(), key(LEFT, rank()), "", failed() && members[rank()] == 0 && size() > 1);
        channels.values().forEach(channel -> channel.close(shared.limits().silence()));
        events.close();
        callers.close();
        buffers.close();
        shared.store().close();
    }
}
