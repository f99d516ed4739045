package org.airelab.distributed.group.mpi;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Floats;
import org.airelab.distributed.group.Reduction;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.torch.ScalarType;

/**
 * The type as which MPI reduces values. Sums of the half types travel as float32. MPI leaves open what the largest of
 * numbers and NaN is; so floating-point values of which one is chosen travel as int32 of the same order.
 */
enum Carrier {
    /** As they are: int64, and sums of float32. */
    SAME,
    /** As float32. */
    FLOATS,
    /** As int32 in the order of {@link Float#compare}, NaN at the end that wins. */
    ORDERED;

    static Carrier of(Call call) {
        if (call.type() == ScalarType.INT64 || call.type() == ScalarType.FLOAT32 && call.reduction() == Reduction.SUM) {
            return SAME;
        }
        return call.reduction() == Reduction.SUM ? FLOATS : ORDERED;
    }

    /** MPI's type. */
    MemorySegment type(Call call) {
        return switch (this) {
            case SAME -> call.type() == ScalarType.INT64 ? Mpi.INT64 : Mpi.FLOAT;
            case FLOATS -> Mpi.FLOAT;
            case ORDERED -> Mpi.INT32;
        };
    }

    /** Bytes of a value on its way. */
    int bytes(Call call) {
        return this == SAME ? call.type().bytes() : Float.BYTES;
    }

    /** From a call's values to those that travel; not for {@link #SAME}. */
    void encode(Call call, long from, long to, long count) {
        DType type = call.type().kernelType();
        if (this == FLOATS) {
            Floats.widen(type, from, to, count);
            return;
        }
        int nan = call.reduction() == Reduction.MAX ? Integer.MAX_VALUE : Integer.MIN_VALUE;
        for (long i = 0; i < count; i++) {
            float value = Floats.get(type, from, i);
            Lanes.MEMORY.set(JAVA_INT_UNALIGNED, to + 4 * i,
                    Float.isNaN(value) ? nan : flip(Float.floatToRawIntBits(value)));
        }
    }

    /** Back again. */
    void decode(Call call, long from, long to, long count) {
        DType type = call.type().kernelType();
        if (this == FLOATS) {
            Floats.narrow(type, from, to, count);
            return;
        }
        for (long i = 0; i < count; i++) {
            int ordered = Lanes.MEMORY.get(JAVA_INT_UNALIGNED, from + 4 * i);
            // The two marks are NaNs' own bit patterns, flipped.
            Floats.set(type, to, i, Float.intBitsToFloat(flip(ordered)));
        }
    }

    /** Between a float's bits and the int of the same rank among ints; its own inverse. */
    private static int flip(int bits) {
        return bits ^ (bits >> 31 & Integer.MAX_VALUE);
    }
}
