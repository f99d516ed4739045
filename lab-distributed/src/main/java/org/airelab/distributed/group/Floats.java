package org.airelab.distributed.group;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Lanes;

/** Sums in float32 and the way to them from the half types, over raw addresses of any alignment. */
public final class Floats {
    private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;
    private static final VectorSpecies<Integer> INTS = Lanes.WIDE_INTS;
    private static final VectorSpecies<Short> SHORTS =
            FLOATS.length() == 16 ? ShortVector.SPECIES_256 : ShortVector.SPECIES_128;
    private static final int STEP = FLOATS.length();
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private Floats() {
    }

    /** {@code to = a + b}, elementwise; {@code to} may be one of them. */
    public static void add(long a, long b, long to, long count) {
        long i = 0;
        for (long end = vectorEnd(count); i < end; i += STEP) {
            FloatVector sum = floats(a + 4 * i).add(floats(b + 4 * i));
            sum.intoMemorySegment(Lanes.MEMORY, to + 4 * i, ORDER);
        }
        for (; i < count; i++) {
            Lanes.set(to + 4 * i, Lanes.get(a + 4 * i) + Lanes.get(b + 4 * i));
        }
    }

    /** Adds values of a type to float32 values. */
    public static void accumulate(DType type, long values, long sums, long count) {
        if (type == DType.FP32) {
            add(sums, values, sums, count);
            return;
        }
        long i = 0;
        if (type == DType.BF16) {
            for (long end = vectorEnd(count); i < end; i += STEP) {
                FloatVector sum = floats(sums + 4 * i).add(brainFloats(values + 2 * i));
                sum.intoMemorySegment(Lanes.MEMORY, sums + 4 * i, ORDER);
            }
        }
        for (; i < count; i++) {
            Lanes.set(sums + 4 * i, Lanes.get(sums + 4 * i) + get(type, values, i));
        }
    }

    /** Converts values of a type to float32. */
    public static void widen(DType type, long from, long to, long count) {
        if (type == DType.FP32) {
            Lanes.copy(from, to, 4 * count);
            return;
        }
        long i = 0;
        if (type == DType.BF16) {
            for (long end = vectorEnd(count); i < end; i += STEP) {
                brainFloats(from + 2 * i).intoMemorySegment(Lanes.MEMORY, to + 4 * i, ORDER);
            }
        }
        for (; i < count; i++) {
            Lanes.set(to + 4 * i, get(type, from, i));
        }
    }

    /** Rounds float32 values to a type: to the nearest, ties to even. */
    public static void narrow(DType type, long from, long to, long count) {
        if (type == DType.FP32) {
            Lanes.copy(from, to, 4 * count);
            return;
        }
        long i = 0;
        if (type == DType.BF16) {
            for (long end = vectorEnd(count); i < end; i += STEP) {
                toBrainFloats(floats(from + 4 * i)).intoMemorySegment(Lanes.MEMORY, to + 2 * i, ORDER);
            }
        }
        for (; i < count; i++) {
            set(type, to, i, Lanes.get(from + 4 * i));
        }
    }

    /** Element {@code i} of values of a type. */
    public static float get(DType type, long values, long i) {
        return type.get(Lanes.MEMORY.asSlice(values + i * type.bytes(), type.bytes()), 0);
    }

    /** Sets element {@code i} of values of a type. */
    public static void set(DType type, long values, long i, float value) {
        type.set(Lanes.MEMORY.asSlice(values + i * type.bytes(), type.bytes()), 0, value);
    }

    /** Where vectors end and single elements begin. */
    private static long vectorEnd(long count) {
        return Lanes.available() ? count - count % STEP : 0;
    }

    private static FloatVector floats(long address) {
        return FloatVector.fromMemorySegment(FLOATS, Lanes.MEMORY, address, ORDER);
    }

    private static FloatVector brainFloats(long address) {
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(SHORTS, Lanes.MEMORY, address, ORDER)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
        return bits.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats();
    }

    /** As {@link DType#set}: a NaN becomes 0x7fff, whose fraction rounding could otherwise carry away. */
    private static ShortVector toBrainFloats(FloatVector values) {
        IntVector bits = values.reinterpretAsInts();
        IntVector upper = bits.lanewise(VectorOperators.LSHR, Short.SIZE);
        IntVector rounded = bits.add(upper.and(1)).add(0x7fff).lanewise(VectorOperators.LSHR, Short.SIZE);
        IntVector result = rounded.blend(0x7fff, values.test(VectorOperators.IS_NAN).cast(INTS));
        return (ShortVector) result.convertShape(VectorOperators.I2S, SHORTS, 0);
    }
}
