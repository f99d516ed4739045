package org.airelab.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.airelab.kernels.cpu.Parallel;

/** Native memory for tests, and comparisons of it. */
public final class Native {
    /** Sizes around the vector's width and a multiple of it. */
    public static final int[] AWKWARD = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100};

    private Native() {}

    /** Zeros. */
    public static MemorySegment zeros(long count) {
        return Arena.ofAuto().allocate(4 * count, 4);
    }

    public static MemorySegment of(float... values) {
        var segment = zeros(values.length);
        MemorySegment.copy(values, 0, segment, JAVA_FLOAT, 0, values.length);
        return segment;
    }

    public static MemorySegment longs(long... values) {
        var segment = Arena.ofAuto().allocate(8L * values.length, 8);
        MemorySegment.copy(values, 0, segment, JAVA_LONG, 0, values.length);
        return segment;
    }

    /** Values of a normal distribution with the deviation given; equal seeds give equal values. */
    public static MemorySegment normal(long count, long seed, double deviation) {
        var random = new SplittableRandom(seed);
        var segment = zeros(count);
        for (var i = 0L; i < count; i++) {
            var radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
            var cosine = Math.cos(2 * Math.PI * random.nextDouble());
            segment.setAtIndex(JAVA_FLOAT, i, (float) (deviation * radius * cosine));
        }
        return segment;
    }

    public static MemorySegment copy(MemorySegment segment) {
        return Arena.ofAuto().allocate(segment.byteSize(), 8).copyFrom(segment);
    }

    /** Floats rounded to a type. */
    public static MemorySegment encode(MemorySegment floats, DType dtype) {
        var count = floats.byteSize() / 4;
        var encoded = Arena.ofAuto().allocate(dtype.bytes() * count, dtype.bytes());
        for (var i = 0L; i < count; i++) {
            dtype.set(encoded, i, get(floats, i));
        }
        return encoded;
    }

    /** Elements of a type as floats. */
    public static MemorySegment decode(MemorySegment elements, DType dtype) {
        var floats = zeros(elements.byteSize() / dtype.bytes());
        for (var i = 0L; i < elements.byteSize() / dtype.bytes(); i++) {
            set(floats, i, dtype.get(elements, i));
        }
        return floats;
    }

    /** Asserts that all values are the one given. */
    public static void assertAll(float expected, MemorySegment values, String what) {
        for (var value : array(values)) {
            assertEquals(expected, value, what);
        }
    }

    public static float[] array(MemorySegment segment) {
        return segment.toArray(JAVA_FLOAT);
    }

    public static float get(MemorySegment segment, long index) {
        return segment.getAtIndex(JAVA_FLOAT, index);
    }

    public static void set(MemorySegment segment, long index, float value) {
        segment.setAtIndex(JAVA_FLOAT, index, value);
    }

    /** The root mean square of the differences, relative to that of what was expected. */
    public static double error(MemorySegment expected, MemorySegment actual) {
        var difference = 0.0;
        var size = 1e-30;
        for (var i = 0L; i < expected.byteSize() / 4; i++) {
            difference += Math.pow(get(expected, i) - (double) get(actual, i), 2);
            size += Math.pow(get(expected, i), 2);
        }
        return Math.sqrt(difference / size);
    }

    /**
     * Asserts that a rung is at most twice as far from the reference as plain loops are, or within a few units in the
     * last place.
     */
    public static void assertAsGoodAsPlain(MemorySegment reference, MemorySegment plain, MemorySegment actual,
            String what) {
        // The error of a few values is a matter of luck; that of many is not.
        assertAsGoodAsPlain(reference, plain, actual, reference.byteSize() < 4 * 100 ? 1e-6 : 5e-7, what);
    }

    /** The same, or within {@code floor}. */
    public static void assertAsGoodAsPlain(MemorySegment reference, MemorySegment plain, MemorySegment actual,
            double floor, String what) {
        var limit = Math.max(2 * error(reference, plain), floor);
        var error = error(reference, actual);
        assertTrue(limit < 1e-4, () -> what + ": the plain loops themselves are off by " + limit);
        assertTrue(error <= limit, () -> what + ": expected an error of at most " + limit + ", found " + error);
    }

    /**
     * The same of results in a half type, {@code plain} being the plainest rung's in that type: or within what rounding
     * the exact results leaves.
     */
    public static void assertAsGoodAsPlain(MemorySegment reference, MemorySegment plain, MemorySegment actual,
            DType dtype, String what) {
        if (dtype == DType.FP32) {
            assertAsGoodAsPlain(reference, plain, actual, what);
            return;
        }
        var unit = dtype == DType.FP16 ? 0x1p-11 : 0x1p-8;
        var limit = Math.max(2 * error(reference, plain), unit);
        var error = error(reference, actual);
        assertTrue(limit < 4 * unit, () -> what + ": the plain rung itself is off by " + limit);
        assertTrue(error <= limit, () -> what + ": expected an error of at most " + limit + ", found " + error);
    }

    /** Asserts that NaN and the infinities are where the reference has them, and nowhere else. */
    public static void assertSameSpecials(MemorySegment reference, MemorySegment actual, String what) {
        for (var i = 0L; i < reference.byteSize() / 4; i++) {
            assertEquals(special(get(reference, i)), special(get(actual, i)), what + " at " + i);
        }
    }

    /** The same, and that by norm the numbers are near the reference's. */
    public static void assertSameNumbers(MemorySegment reference, MemorySegment actual, double tolerance, String what) {
        assertSameSpecials(reference, actual, what);
        var error = error(numbers(reference), numbers(actual));
        assertTrue(error <= tolerance, () -> what + ": expected an error of at most " + tolerance + ", found " + error);
    }

    /** A copy with 0 for NaN and the infinities. */
    private static MemorySegment numbers(MemorySegment values) {
        var numbers = copy(values);
        for (var i = 0L; i < values.byteSize() / 4; i++) {
            set(numbers, i, Float.isFinite(get(values, i)) ? get(values, i) : 0);
        }
        return numbers;
    }

    /** NaN and the infinities as they are, all numbers as 0. */
    public static float special(float value) {
        return Float.isFinite(value) ? 0 : value;
    }

    /** Asserts that a gradient is the slope of a loss: central differences at up to 40 elements. */
    public static void assertSlope(MemorySegment input, MemorySegment gradient, DoubleSupplier loss, double tolerance) {
        var count = input.byteSize() / 4;
        for (var i = 0L; i < count; i += Math.max(1, count / 40)) {
            var at = i;
            var value = get(input, i);
            var h = 1.0f / 128;
            set(input, i, value + h);
            var above = loss.getAsDouble();
            set(input, i, value - h);
            var below = loss.getAsDouble();
            set(input, i, value);
            var slope = (above - below) / (2 * h);
            var found = get(gradient, i);
            assertTrue(Math.abs(slope - found) <= tolerance * (1 + Math.abs(slope)),
                    () -> "element " + at + ": expected a slope of " + slope + ", found " + found);
        }
    }

    /** The sum of the products of two arrays. */
    public static double dot(MemorySegment a, MemorySegment b) {
        var sum = 0.0;
        for (var i = 0L; i < a.byteSize() / 4; i++) {
            sum += get(a, i) * (double) get(b, i);
        }
        return sum;
    }

    /** Asserts that a computation gives the same bits with 1, 2, 3 and 8 threads, and again with 8. */
    public static void assertThreadsDoNotMatter(Function<Integer, float[]> computation) {
        var before = Parallel.threads();
        try {
            Parallel.setThreads(1);
            var expected = computation.apply(1);
            for (var threads : new int[] {2, 3, 8, 8}) {
                Parallel.setThreads(threads);
                assertTrue(Arrays.equals(bits(expected), bits(computation.apply(threads))),
                        () -> "other bits with " + threads + " threads");
            }
        } finally {
            Parallel.setThreads(before);
        }
    }

    private static int[] bits(float[] values) {
        var bits = new int[values.length];
        for (var i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }
}
