package org.airelab.distributed.comm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.base.UserError;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.torch.ScalarType;

/**
 * What every back end has to do, checked on each rank against values that every rank can compute. All ranks call the
 * same methods with the same arguments. A check that fails throws {@link UserError} with the value found.
 */
public final class CollectiveChecks {
    private static final ScalarType[] TYPES =
            {ScalarType.FLOAT32, ScalarType.BFLOAT16, ScalarType.FLOAT16, ScalarType.INT64};
    private static final byte GUARD = 0x5a;
    private static final int GUARDS = 64;
    private static final int CHAIN = 20;

    private final ProcessGroup group;
    private final GroupMemory memory;
    private final boolean promised;
    private CheckValues values;
    private int round;

    /** Checks of one rank's group against what {@link Reduction} promises. */
    public CollectiveChecks(ProcessGroup group, GroupMemory memory) {
        this(group, memory, true);
    }

    /**
     * Checks of one rank's group.
     *
     * @param promised whether reductions have to be as {@link Reduction} promises, or may be as NCCL has them
     */
    public CollectiveChecks(ProcessGroup group, GroupMemory memory, boolean promised) {
        this.group = group;
        this.memory = memory;
        this.promised = promised;
    }

    /** Every collective with every type, reduction and root. */
    public void all(long... counts) {
        for (long count : counts) {
            for (ScalarType type : TYPES) {
                for (Reduction reduction : Reduction.values()) {
                    allReduce(array(type, count), type, reduction);
                    reduceScatter(type, reduction, count);
                }
                allGather(type, count);
                broadcasts(type, count);
                messages(type, count);
            }
            group.barrier().await();
        }
        unawaited();
    }

    /** An array with guards around it, off the alignment of cache lines. */
    public MemorySegment array(ScalarType type, long count) {
        MemorySegment wide = memory.allocate(count * type.bytes() + 2 * GUARDS + 64);
        memory.write(host(wide.byteSize()).fill(GUARD), wide);
        return wide.asSlice(GUARDS + Long.BYTES, count * type.bytes());
    }

    private static MemorySegment host(long bytes) {
        return Arena.ofAuto().allocate(Math.max(1, bytes), 64).asSlice(0, bytes);
    }

    private MemorySegment read(MemorySegment array) {
        MemorySegment host = host(array.byteSize());
        memory.read(array, host);
        return host;
    }

    private void fill(MemorySegment array, ScalarType type, int rank, long first) {
        MemorySegment host = host(array.byteSize());
        for (long i = 0; i < array.byteSize() / type.bytes(); i++) {
            values.set(host, type, i, rank, first + i);
        }
        memory.write(host, array);
    }

    /** Other values than those of the checks before. */
    private void nextValues() {
        values = new CheckValues(++round, group.size(), promised);
    }

    private void require(boolean right, String what) {
        if (!right) {
            throw UserError.failed("on rank " + group.rank() + " of " + group.size() + " " + what + ".",
                    "This back end cannot be trusted on this machine: report it, with what lab doctor prints.");
        }
    }

    private void checkGuards(MemorySegment array) {
        MemorySegment wide = read(MemorySegment.ofAddress(array.address() - GUARDS)
                .reinterpret(array.byteSize() + 2 * GUARDS));
        for (int i = 0; i < GUARDS; i++) {
            require(wide.get(JAVA_BYTE, i) == GUARD, "memory before an array was written");
            require(wide.get(JAVA_BYTE, wide.byteSize() - 1 - i) == GUARD, "memory behind an array was written");
        }
    }

    /** An all-reduce of an array that is there. */
    public void allReduce(MemorySegment array, ScalarType type, Reduction reduction) {
        nextValues();
        fill(array, type, group.rank(), 0);
        group.allReduce(array, type, reduction).await();
        checkReduced(array, type, reduction, 0);
        agree(array);
    }

    private void checkReduced(MemorySegment array, ScalarType type, Reduction reduction, long first) {
        MemorySegment host = read(array);
        for (long i = 0; i < array.byteSize() / type.bytes(); i++) {
            String found = values.differsReduced(host, type, reduction, i, first + i);
            require(found == null, "the " + reduction + " of " + type + " values at " + i + " is " + found);
        }
    }

    /** Requires elements to be those of a rank from an index on. */
    private void checkValues(MemorySegment host, ScalarType type, long from, long count, int rank, long first) {
        for (long i = 0; i < count; i++) {
            String found = values.differs(host, type, from + i, rank, first + i);
            require(found == null, type + " value " + (first + i) + " of rank " + rank + " is " + found);
        }
    }

    private void reduceScatter(ScalarType type, Reduction reduction, long count) {
        for (boolean inPlace : new boolean[] {false, true}) {
            nextValues();
            MemorySegment input = array(type, count * group.size());
            fill(input, type, group.rank(), 0);
            MemorySegment output = inPlace
                    ? input.asSlice(group.rank() * count * type.bytes(), count * type.bytes()) : array(type, count);
            group.reduceScatter(input, output, type, reduction).await();
            checkReduced(output, type, reduction, group.rank() * count);
            if (!inPlace) {
                checkValues(read(input), type, 0, count * group.size(), group.rank(), 0);
                checkGuards(output);
            }
            checkGuards(input);
        }
    }

    private void allGather(ScalarType type, long count) {
        for (boolean inPlace : new boolean[] {false, true}) {
            nextValues();
            MemorySegment output = array(type, count * group.size());
            MemorySegment input = inPlace
                    ? output.asSlice(group.rank() * count * type.bytes(), count * type.bytes()) : array(type, count);
            fill(input, type, group.rank(), 0);
            group.allGather(input, output, type).await();
            MemorySegment found = read(output);
            for (int rank = 0; rank < group.size(); rank++) {
                checkValues(found, type, rank * count, count, rank, 0);
            }
            checkGuards(output);
        }
    }

    private void broadcasts(ScalarType type, long count) {
        for (int root = 0; root < group.size(); root++) {
            nextValues();
            MemorySegment array = array(type, count);
            if (root == group.rank()) {
                fill(array, type, root, 0);
            }
            group.broadcast(array, type, root).await();
            checkValues(read(array), type, 0, count, root, 0);
            checkGuards(array);
        }
    }

    /** Every rank sends two messages to every other one, all at once, and receives as many. */
    private void messages(ScalarType type, long count) {
        nextValues();
        List<Work> works = new ArrayList<>();
        MemorySegment[] received = new MemorySegment[2 * group.size()];
        for (int peer = 0; peer < group.size(); peer++) {
            for (int i = 0; peer != group.rank() && i < 2; i++) {
                MemorySegment sent = array(type, count);
                fill(sent, type, group.rank(), i);
                works.add(group.send(sent, type, peer));
            }
        }
        for (int peer = group.size() - 1; peer >= 0; peer--) {
            for (int i = 0; peer != group.rank() && i < 2; i++) {
                received[2 * peer + i] = array(type, count);
                works.add(group.receive(received[2 * peer + i], type, peer));
            }
        }
        works.forEach(Work::await);
        for (int i = 0; i < received.length; i++) {
            if (received[i] != null) {
                checkValues(read(received[i]), type, 0, count, i / 2, i % 2);
                checkGuards(received[i]);
            }
        }
    }

    /** Work is done in the order issued: each step's input is the result of the one before. */
    private void unawaited() {
        MemorySegment value = memory.allocate(Long.BYTES);
        MemorySegment all = memory.allocate((long) group.size() * Long.BYTES);
        memory.write(Arena.ofAuto().allocateFrom(JAVA_LONG, 1), value);
        List<Work> works = new ArrayList<>();
        long expected = 1;
        for (int i = 0; i < CHAIN; i++) {
            works.add(group.allReduce(value, ScalarType.INT64, Reduction.SUM));
            works.add(group.allGather(value, all, ScalarType.INT64));
            works.add(group.barrier());
            expected *= group.size();
        }
        works.reversed().forEach(Work::await);
        MemorySegment found = read(all);
        for (int i = 0; i < group.size(); i++) {
            require(found.getAtIndex(JAVA_LONG, i) == expected, CHAIN + " sums one of another are "
                    + found.getAtIndex(JAVA_LONG, i) + " on rank " + i + ", and not " + expected);
        }
        works.forEach(work -> require(work.done(), "work that was awaited is not done"));
    }

    /** Requires an array to have the same bits on all ranks, by sending them along a chain. */
    private void agree(MemorySegment array) {
        MemorySegment others = memory.allocate(array.byteSize());
        if (group.rank() + 1 < group.size()) {
            group.send(array, ScalarType.UINT8, group.rank() + 1).await();
        }
        if (group.rank() > 0) {
            group.receive(others, ScalarType.UINT8, group.rank() - 1).await();
            require(read(array).mismatch(read(others)) == -1, "a result has other bits than on the rank before");
        }
    }
}
