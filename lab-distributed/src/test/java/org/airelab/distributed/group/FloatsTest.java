package org.airelab.distributed.group;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The vectors of {@link Floats} against the single elements of {@link DType}, bit by bit. */
class FloatsTest {
    private static final int PATTERNS = 1 << Short.SIZE;

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "FP16"})
    void everyHalf(DType type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment halves = arena.allocate(JAVA_SHORT, PATTERNS);
            MemorySegment floats = arena.allocate(JAVA_FLOAT, PATTERNS);
            for (int i = 0; i < PATTERNS; i++) {
                halves.setAtIndex(JAVA_SHORT, i, (short) i);
            }
            Floats.widen(type, halves.address(), floats.address(), PATTERNS);
            for (int i = 0; i < PATTERNS; i++) {
                assertEquals(type.get(halves, i), floats.getAtIndex(JAVA_FLOAT, i));
            }
        }
    }

    /** Around every value of a half type, and around the ties between each two. */
    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "FP16"})
    void everyRounding(DType type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment floats = arena.allocate(JAVA_FLOAT, PATTERNS);
            MemorySegment halves = arena.allocate(JAVA_SHORT, PATTERNS);
            MemorySegment expected = arena.allocate(JAVA_SHORT, 1);
            int tie = type == DType.BF16 ? 1 << 15 : 1 << 12;
            for (int distance : new int[] {-1, 0, 1, tie - 1, tie, tie + 1}) {
                for (int i = 0; i < PATTERNS; i++) {
                    int bits = type == DType.BF16 ? i << Short.SIZE
                            : Float.floatToRawIntBits(Float.float16ToFloat((short) i));
                    floats.setAtIndex(JAVA_INT, i, bits + distance);
                }
                Floats.narrow(type, floats.address(), halves.address(), PATTERNS);
                for (int i = 0; i < PATTERNS; i++) {
                    type.set(expected, 0, floats.getAtIndex(JAVA_FLOAT, i));
                    int place = i;
                    assertEquals(expected.get(JAVA_SHORT, 0), halves.getAtIndex(JAVA_SHORT, i),
                            () -> Float.toHexString(floats.getAtIndex(JAVA_FLOAT, place)));
                }
            }
        }
    }

    /** A length that ends between two vectors; sums of the half types are not rounded on the way. */
    @ParameterizedTest
    @EnumSource(DType.class)
    void accumulates(DType type) {
        int count = 1003;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate((long) count * type.bytes());
            MemorySegment sums = arena.allocate(JAVA_FLOAT, count);
            for (int i = 0; i < count; i++) {
                type.set(values, i, i % 100 * 0x1p-9f);
                sums.setAtIndex(JAVA_FLOAT, i, i);
            }
            Floats.accumulate(type, values.address(), sums.address(), count);
            for (int i = 0; i < count; i++) {
                assertEquals(i + type.get(values, i), sums.getAtIndex(JAVA_FLOAT, i));
            }
        }
    }
}
