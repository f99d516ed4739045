package org.airelab.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors of eight float32 lanes, loaded from and stored to raw addresses.
 *
 * <p>Addresses instead of segments: one constant segment over the whole address space leaves a single comparison a
 * load, whereas a segment of the caller's costs its bounds and its liveness each time. Kernels therefore check sizes
 * once, at their entry ({@link Buffers}), and are trusted afterwards.
 *
 * <p>The width is fixed, not the machine's preferred one: eight lanes fit AVX2 and AVX-512 alike, and the order in
 * which sums are formed, hence every bit of a result, is then the same on all machines.
 */
public final class Lanes {
    /** Eight float32 lanes. */
    public static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
    /** Lanes of a vector. */
    public static final int COUNT = 8;
    /** Bytes of a vector. */
    public static final int BYTES = 32;

    /** All memory: its offsets are addresses. */
    public static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    /** Address of 128 zero bytes, aligned to a cache line; not to be written. */
    public static final long ZEROS = Arena.global().allocate(128, 64).address();

    /**
     * The widest vectors of the machine, sixteen lanes where it has them and eight elsewhere: for loops whose lanes
     * never meet, so that the width changes no bit of the result.
     */
    public static final VectorSpecies<Float> WIDE =
            FloatVector.SPECIES_PREFERRED.length() >= 16 ? FloatVector.SPECIES_512 : FLOATS;
    public static final VectorSpecies<Integer> WIDE_INTS = WIDE.withLanes(int.class);

    private static final VectorShuffle<Float> HALVES = VectorShuffle.fromValues(FLOATS, 4, 5, 6, 7, 0, 1, 2, 3);
    private static final VectorShuffle<Float> PAIRS = VectorShuffle.fromValues(FLOATS, 2, 3, 0, 1, 6, 7, 4, 5);

    private Lanes() {}

    /** Whether the machine has vectors this wide; without them the Vector API falls back to loops over boxed lanes. */
    public static boolean available() {
        return FloatVector.SPECIES_PREFERRED.length() >= COUNT;
    }

    /** Eight floats from the address on, of any alignment. */
    public static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ByteOrder.LITTLE_ENDIAN);
    }

    /** Stores all lanes from the address on, of any alignment. */
    public static void store(FloatVector vector, long address) {
        vector.intoMemorySegment(MEMORY, address, ByteOrder.LITTLE_ENDIAN);
    }

    /** The first {@code count} lanes from memory, the others 0: for the end of a row. */
    public static FloatVector load(long address, int count) {
        return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ByteOrder.LITTLE_ENDIAN,
                FLOATS.indexInRange(0, count));
    }

    /** Stores the first {@code count} lanes alone. */
    public static void store(FloatVector vector, long address, int count) {
        vector.intoMemorySegment(MEMORY, address, ByteOrder.LITTLE_ENDIAN, FLOATS.indexInRange(0, count));
    }

    /** Four floats as float64 lanes. */
    public static DoubleVector loadAsDoubles(long address) {
        var four = FloatVector.fromMemorySegment(FloatVector.SPECIES_128, MEMORY, address, ByteOrder.LITTLE_ENDIAN);
        return (DoubleVector) four.convertShape(VectorOperators.F2D, DoubleVector.SPECIES_256, 0);
    }

    /** All lanes equal to the float at the address. */
    public static FloatVector broadcast(long address) {
        // By way of integers the compiler emits one broadcasting load; by way of floats, a load and a shuffle.
        var bits = MEMORY.get(JAVA_INT_UNALIGNED, address);
        return IntVector.broadcast(IntVector.SPECIES_256, bits).reinterpretAsFloats();
    }

    /** All lanes equal to the value. */
    public static FloatVector broadcast(float value) {
        return FloatVector.broadcast(FLOATS, value);
    }

    /** The float at the address. */
    public static float get(long address) {
        return MEMORY.get(JAVA_FLOAT_UNALIGNED, address);
    }

    /** Stores a float at the address. */
    public static void set(long address, float value) {
        MEMORY.set(JAVA_FLOAT_UNALIGNED, address, value);
    }

    /**
     * The float32 number {@code index} of a segment, without a look at its bounds and its arena. What the answers to
     * these usually are, the compiler learns from all the program's segments together, and moves out of a loop what
     * may not hold for those of the loop: a plain loop over {@code getAtIndex} is then found wrong as soon as it
     * begins, and compiled anew, up to a hundred times. LayerNorm's scalar rung took eleven seconds to be warm.
     */
    public static float get(MemorySegment segment, long index) {
        return get(segment.address() + Float.BYTES * index);
    }

    /** Stores the float32 number {@code index} of a segment, likewise. */
    public static void set(MemorySegment segment, long index, float value) {
        set(segment.address() + Float.BYTES * index, value);
    }

    /** The int64 at the address. */
    public static long getLong(long address) {
        return MEMORY.get(JAVA_LONG_UNALIGNED, address);
    }

    /** The larger of each pair of lanes; a NaN in {@code candidate} is passed over. Cheaper than {@code max}. */
    public static FloatVector larger(FloatVector current, FloatVector candidate) {
        return current.blend(candidate, candidate.compare(VectorOperators.GT, current));
    }

    /**
     * The sum of the lanes, always formed in the same order. {@code reduceLanes} leaves the order open, and interpreted
     * and compiled code do choose differently.
     */
    public static float sum(FloatVector v) {
        var four = v.add(v.rearrange(HALVES));
        var two = four.add(four.rearrange(PAIRS));
        return two.lane(0) + two.lane(1);
    }

    /** Copies bytes between addresses; the two places may overlap. */
    public static void copy(long from, long to, long bytes) {
        MemorySegment.copy(MEMORY, from, MEMORY, to, bytes);
    }

    /** Sets bytes from the address on to 0. */
    public static void zero(long address, long bytes) {
        MEMORY.asSlice(address, bytes).fill((byte) 0);
    }
}
