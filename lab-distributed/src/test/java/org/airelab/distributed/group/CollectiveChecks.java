package org.airelab.distributed.group;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.base.SplitMix64;
import org.airelab.kernels.DType;
import org.airelab.torch.ScalarType;

/**
 * What every back end has to do, checked on each rank against float64 sums of values that every rank can compute. All
 * ranks call the same methods with the same arguments.
 */
public final class CollectiveChecks {
    private static final ScalarType[] TYPES =
            {ScalarType.FLOAT32, ScalarType.BFLOAT16, ScalarType.FLOAT16, ScalarType.INT64};
    private static final byte GUARD = 0x5a;
    private static final int GUARDS = 64;

    private final ProcessGroup group;
    private final Arena arena;
    private int salt;

    /** Checks of one rank's group; memory is from the arena. */
    public CollectiveChecks(ProcessGroup group, Arena arena) {
        this.group = group;
        this.arena = arena;
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
        MemorySegment memory = arena.allocate(count * type.bytes() + 2 * GUARDS + 64, 64).fill(GUARD);
        return memory.asSlice(GUARDS + Long.BYTES, count * type.bytes());
    }

    private static void checkGuards(MemorySegment... arrays) {
        for (MemorySegment array : arrays) {
            MemorySegment wide = MemorySegment.ofAddress(array.address() - GUARDS)
                    .reinterpret(array.byteSize() + 2 * GUARDS);
            for (int i = 0; i < GUARDS; i++) {
                assertEquals(GUARD, wide.get(JAVA_BYTE, i), "before the array");
                assertEquals(GUARD, wide.get(JAVA_BYTE, wide.byteSize() - 1 - i), "behind the array");
            }
        }
    }

    /** An all-reduce of an array that is there. */
    public void allReduce(MemorySegment array, ScalarType type, Reduction reduction) {
        salt++;
        long count = array.byteSize() / type.bytes();
        fill(array, type, group.rank(), 0, count);
        group.allReduce(array, type, reduction).await();
        for (long i = 0; i < count; i++) {
            checkReduced(array, type, reduction, i, i);
        }
        agree(array);
    }

    private void reduceScatter(ScalarType type, Reduction reduction, long count) {
        for (boolean inPlace : new boolean[] {false, true}) {
            salt++;
            MemorySegment input = array(type, count * group.size());
            fill(input, type, group.rank(), 0, count * group.size());
            MemorySegment output = inPlace
                    ? input.asSlice(group.rank() * count * type.bytes(), count * type.bytes()) : array(type, count);
            group.reduceScatter(input, output, type, reduction).await();
            for (long i = 0; i < count; i++) {
                checkReduced(output, type, reduction, i, group.rank() * count + i);
                if (!inPlace) {
                    checkValue(input, type, i, group.rank(), i);
                }
            }
            checkGuards(input);
        }
    }

    private void allGather(ScalarType type, long count) {
        for (boolean inPlace : new boolean[] {false, true}) {
            salt++;
            MemorySegment output = array(type, count * group.size());
            MemorySegment input = inPlace
                    ? output.asSlice(group.rank() * count * type.bytes(), count * type.bytes()) : array(type, count);
            fill(input, type, group.rank(), 0, count);
            group.allGather(input, output, type).await();
            for (int rank = 0; rank < group.size(); rank++) {
                for (long i = 0; i < count; i++) {
                    checkValue(output, type, rank * count + i, rank, i);
                }
            }
            checkGuards(output);
        }
    }

    private void broadcasts(ScalarType type, long count) {
        for (int root = 0; root < group.size(); root++) {
            salt++;
            MemorySegment array = array(type, count);
            if (root == group.rank()) {
                fill(array, type, root, 0, count);
            }
            group.broadcast(array, type, root).await();
            for (long i = 0; i < count; i++) {
                checkValue(array, type, i, root, i);
            }
            checkGuards(array);
        }
    }

    /** Every rank sends two messages to every other one, all at once, and receives as many. */
    private void messages(ScalarType type, long count) {
        salt++;
        List<Work> works = new ArrayList<>();
        MemorySegment[] received = new MemorySegment[2 * group.size()];
        for (int peer = 0; peer < group.size(); peer++) {
            for (int i = 0; peer != group.rank() && i < 2; i++) {
                MemorySegment sent = array(type, count);
                fill(sent, type, group.rank(), i, count);
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
            for (long j = 0; received[i] != null && j < count; j++) {
                checkValue(received[i], type, j, i / 2, i % 2 + j);
            }
        }
    }

    /** Work is done in the order issued: each step's input is the result of the one before. */
    private void unawaited() {
        MemorySegment value = arena.allocate(JAVA_LONG);
        MemorySegment all = arena.allocate(JAVA_LONG, group.size());
        value.set(JAVA_LONG, 0, 1);
        List<Work> works = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            works.add(group.allReduce(value, ScalarType.INT64, Reduction.SUM));
            works.add(group.allGather(value, all, ScalarType.INT64));
            works.add(group.barrier());
        }
        works.reversed().forEach(Work::await);
        long expected = 1;
        for (int i = 0; i < 20; i++) {
            expected *= group.size();
        }
        for (int i = 0; i < group.size(); i++) {
            assertEquals(expected, all.getAtIndex(JAVA_LONG, i));
        }
        works.forEach(work -> assertTrue(work.done()));
    }

    /** Requires an array to have the same bits on all ranks, by sending them along a chain. */
    private void agree(MemorySegment array) {
        MemorySegment others = arena.allocate(Math.max(1, array.byteSize())).asSlice(0, array.byteSize());
        if (group.rank() + 1 < group.size()) {
            group.send(array, ScalarType.UINT8, group.rank() + 1).await();
        }
        if (group.rank() > 0) {
            group.receive(others, ScalarType.UINT8, group.rank() - 1).await();
            assertEquals(-1, array.mismatch(others), "ranks have different bits");
        }
    }

    private void fill(MemorySegment array, ScalarType type, int rank, long first, long count) {
        for (long i = 0; i < count; i++) {
            if (type == ScalarType.INT64) {
                array.setAtIndex(JAVA_LONG, i, random(rank, first + i));
            } else {
                dtype(type).set(array, i, (float) value(type, rank, first + i));
            }
        }
    }

    private void checkValue(MemorySegment array, ScalarType type, long at, int rank, long index) {
        if (type == ScalarType.INT64) {
            assertEquals(random(rank, index), array.getAtIndex(JAVA_LONG, at));
        } else {
            assertEquals(value(type, rank, index), dtype(type).get(array, at), type + " value " + at);
        }
    }

    private void checkReduced(MemorySegment array, ScalarType type, Reduction reduction, long at, long index) {
        if (type == ScalarType.INT64) {
            long expected = random(0, index);
            for (int rank = 1; rank < group.size(); rank++) {
                long value = random(rank, index);
                expected = switch (reduction) {
                    case SUM -> expected + value;
                    case MAX -> Math.max(expected, value);
                    case MIN -> Math.min(expected, value);
                };
            }
            assertEquals(expected, array.getAtIndex(JAVA_LONG, at));
            return;
        }
        double expected = value(type, 0, index);
        double magnitude = Math.abs(expected);
        for (int rank = 1; rank < group.size(); rank++) {
            double value = value(type, rank, index);
            magnitude += Math.abs(value);
            expected = switch (reduction) {
                case SUM -> expected + value;
                case MAX -> Math.max(expected, value);
                case MIN -> Math.min(expected, value);
            };
        }
        // Sums in float32, then one rounding: to 8 bits of bfloat16, 11 of float16 (denormals: 2^-24).
        double rounding = switch (type) {
            case FLOAT16 -> Math.max(Math.abs(expected) * 0x1p-11, 0x1p-25);
            case BFLOAT16 -> Math.abs(expected) * 0x1p-8;
            default -> 0;
        };
        double tolerance = reduction == Reduction.SUM ? rounding + group.size() * magnitude * 0x1p-24 : 0;
        float found = dtype(type).get(array, at);
        assertTrue(Double.isNaN(expected) ? Float.isNaN(found) : expected == found
                || Math.abs(found - expected) <= tolerance, () -> reduction + " of " + type + " at " + at + " of "
                + array.byteSize() / type.bytes() + " is " + found + " on rank " + group.rank());
    }

    private long random(int rank, long index) {
        return new SplitMix64(salt * 1_000_003L + rank * 7919L + index * 1_000_000_007L).nextLong();
    }

    /** A value that the type has; now and then infinite or no number. */
    private double value(ScalarType type, int rank, long index) {
        long random = random(rank, index);
        if ((random & 0xfff) == 0) {
            return (random & 0x1000) == 0 ? Double.NaN : (random & 0x2000) == 0 ? Double.POSITIVE_INFINITY : -0.0;
        }
        double magnitude = Math.scalb(1.0, (int) (random >>> 13 & 15) - 12);
        float value = (float) ((random >> 20) * 0x1p-43 * magnitude);
        return switch (type) {
            case FLOAT16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            case BFLOAT16 -> Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
            default -> value;
        };
    }

    private static DType dtype(ScalarType type) {
        return switch (type) {
            case FLOAT16 -> DType.FP16;
            case BFLOAT16 -> DType.BF16;
            default -> DType.FP32;
        };
    }
}
