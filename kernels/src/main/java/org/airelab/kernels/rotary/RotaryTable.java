package org.airelab.kernels.rotary;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Buffers;

/**
 * Cosines and sines of the angles position * frequency, computed in float64 and rounded to float32.
 *
 * <p>Su et al., "RoFormer", 2021, section 3.2.2: frequency i is theta^(-2i / headSize). The memory is freed when the
 * table is no longer reachable.
 */
public final class RotaryTable {
    /** Which two elements of a head form the pair that is rotated. */
    public enum Pairing {
        /** Elements 2i and 2i + 1, as in the paper and in Meta's Llama. */
        INTERLEAVED,
        /** Elements i and i + headSize / 2, as in Hugging Face's Llama and GPT-NeoX. */
        HALF_SPLIT
    }

    private final int maxTime;
    private final int headSize;
    private final Pairing pairing;
    private final MemorySegment cosines;
    private final MemorySegment sines;

    /**
     * @param maxTime  positions 0 to maxTime - 1 are in the table
     * @param headSize elements of a head, even
     * @param theta    base of the frequencies, positive; 10000 in the paper
     */
    public RotaryTable(int maxTime, int headSize, double theta, Pairing pairing) {
        this(maxTime, frequencies(headSize, theta), pairing);
    }

    /**
     * A table for scaled frequencies (position interpolation, Llama 3.1).
     *
     * @param frequencies radians a position, one for each pair of a head
     */
    public RotaryTable(int maxTime, double[] frequencies, Pairing pairing) {
        Buffers.atLeast("maxTime", 1, maxTime);
        Buffers.atLeast("a number of frequencies", 1, frequencies.length);
        this.maxTime = maxTime;
        this.headSize = 2 * frequencies.length;
        this.pairing = pairing;
        var arena = Arena.ofAuto();
        cosines = arena.allocate(4L * maxTime * headSize, 64);
        sines = arena.allocate(4L * maxTime * headSize, 64);
        for (var position = 0; position < maxTime; position++) {
            fill(position, frequencies);
        }
    }

    private RotaryTable(RotaryTable other, MemorySegment cosines, MemorySegment sines) {
        Buffers.floats("cosines", cosines, (long) other.maxTime * other.headSize);
        Buffers.floats("sines", sines, (long) other.maxTime * other.headSize);
        this.maxTime = other.maxTime;
        this.headSize = other.headSize;
        this.pairing = other.pairing;
        this.cosines = cosines;
        this.sines = sines;
    }

    /**
     * The same table in memory of the caller's, such as a device's, to which {@link #cosines} and {@link #sines} have
     * been copied.
     */
    public RotaryTable in(MemorySegment cosines, MemorySegment sines) {
        return new RotaryTable(this, cosines, sines);
    }

    /**
     * A table in the host's memory whose row i is this one's row {@code positions[i]}: for sequences whose positions
     * are not 0, 1, 2 and so on. This one has to be in the host's memory, too.
     */
    public RotaryTable at(int... positions) {
        var arena = Arena.ofAuto();
        return new RotaryTable(this, positions, arena.allocate(4L * positions.length * headSize, 64),
                arena.allocate(4L * positions.length * headSize, 64));
    }

    private RotaryTable(RotaryTable other, int[] positions, MemorySegment cosines, MemorySegment sines) {
        Buffers.atLeast("a number of positions", 1, positions.length);
        this.maxTime = positions.length;
        this.headSize = other.headSize;
        this.pairing = other.pairing;
        this.cosines = cosines;
        this.sines = sines;
        var row = 4L * headSize;
        for (var i = 0; i < positions.length; i++) {
            MemorySegment.copy(other.cosines, positions[i] * row, cosines, i * row, row);
            MemorySegment.copy(other.sines, positions[i] * row, sines, i * row, row);
        }
    }

    private static double[] frequencies(int headSize, double theta) {
        if (headSize < 2 || headSize % 2 != 0) {
            throw new IllegalArgumentException("expected an even head size of at least 2, found " + headSize);
        }
        if (!(theta > 0) || Double.isInfinite(theta)) {
            throw new IllegalArgumentException("expected a positive theta, found " + theta);
        }
        var frequencies = new double[headSize / 2];
        for (var i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / headSize);
        }
        return frequencies;
    }

    private void fill(int position, double[] frequencies) {
        for (var pair = 0; pair < frequencies.length; pair++) {
            var angle = position * frequencies[pair];
            var row = (long) position * headSize;
            var first = row + (pairing == Pairing.INTERLEAVED ? 2 * pair : pair);
            var second = first + distance();
            cosines.setAtIndex(JAVA_FLOAT, first, (float) Math.cos(angle));
            cosines.setAtIndex(JAVA_FLOAT, second, (float) Math.cos(angle));
            sines.setAtIndex(JAVA_FLOAT, first, (float) -Math.sin(angle));
            sines.setAtIndex(JAVA_FLOAT, second, (float) Math.sin(angle));
        }
    }

    /** Rows of the table: positions 0 to this less 1, but for a table {@link #at} others. */
    public int maxTime() {
        return maxTime;
    }

    /** Elements of a head that is rotated. */
    public int headSize() {
        return headSize;
    }

    /** Which elements are rotated together. */
    public Pairing pairing() {
        return pairing;
    }

    /** Elements from the first of a pair to the second. */
    int distance() {
        return pairing == Pairing.INTERLEAVED ? 1 : headSize / 2;
    }

    /** Float32 [maxTime, headSize]: the cosine of each element's pair. */
    public MemorySegment cosines() {
        return cosines;
    }

    /** Float32 [maxTime, headSize]: the sine of each element's pair, negative for the first of the pair. */
    public MemorySegment sines() {
        return sines;
    }
}
