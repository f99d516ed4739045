package org.airelab.kernels.matmul;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Lanes;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PanelsTest {
    private static final float GUARD = -7;
    /** Bytes of guards before a panel. */
    private static final long BEFORE = 128;

    /** Lines of a matrix that are rows, and ones that are columns; made at once, and in pieces as the product does. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 8, 12, 16, 24, 32, 48})
    void everyElementIsWhereTheTileReadsIt(int width) {
        assumeTrue(Lanes.available(), "no vectors of eight lanes");
        for (var lines : new int[] {1, width / 2 + 1, width - 1, width}) {
            for (var steps : new int[] {1, 2, 15, 16, 17, 40, 67}) {
                for (var piece : new int[] {steps, 16, 7}) {
                    if (lines > 0) {
                        copied(width, lines, steps, piece, true);
                        copied(width, lines, steps, piece, false);
                    }
                }
            }
        }
    }

    private static void copied(int width, int lines, int steps, int piece, boolean rows) {
        try (var arena = Arena.ofConfined()) {
            var across = rows ? steps + 3 : 1;
            var along = rows ? 1 : lines + 5;
            var last = (lines - 1) * across + (steps - 1) * along;
            var from = arena.allocate(4L * (last + 1), 4);
            for (var i = 0; i <= last; i++) {
                from.setAtIndex(JAVA_FLOAT, i, i + 1);
            }
            var bytes = Panels.bytes(width, steps);
            var place = guarded(arena, bytes);
            var to = place.asSlice(BEFORE);
            for (var k = 0; k < steps; k += piece) {
                Panels.copy(width, lines, Math.min(piece, steps - k), from.address() + 4L * k * along, 4L * across,
                        4L * along, to.address() + 4L * k * width);
            }
            for (var k = 0; k < steps; k++) {
                for (var x = 0; x < width; x++) {
                    var expected = x < lines ? x * across + k * along + 1 : 0;
                    assertEquals(expected, to.getAtIndex(JAVA_FLOAT, k * width + x), "step " + k + ", line " + x
                            + " of " + lines + " in " + width);
                }
            }
            for (var i = bytes / 4; i < to.byteSize() / 4; i++) {
                assertEquals(GUARD, to.getAtIndex(JAVA_FLOAT, i), "behind the panel");
            }
            for (var i = 0; i < BEFORE / 4; i++) {
                assertEquals(GUARD, place.getAtIndex(JAVA_FLOAT, i), "before the panel");
            }
        }
    }

    private static MemorySegment guarded(Arena arena, long bytes) {
        var to = arena.allocate(BEFORE + bytes + 256, 64);
        for (var i = 0; i < to.byteSize() / 4; i++) {
            to.setAtIndex(JAVA_FLOAT, i, GUARD);
        }
        return to;
    }

    /** Bits, not numbers, are moved: each signalling NaN stays one, with its payload. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void bitsAreKept(boolean rows) {
        assumeTrue(Lanes.available(), "no vectors of eight lanes");
        var lines = 16;
        var steps = 19;
        try (var arena = Arena.ofConfined()) {
            var from = arena.allocate(4L * lines * steps, 4);
            for (var i = 0; i < lines * steps; i++) {
                from.setAtIndex(JAVA_INT, i, 0x7f800001 + i);
            }
            var to = arena.allocate(Panels.bytes(lines, steps), 64);
            var across = rows ? steps : 1;
            var along = rows ? 1 : lines;
            Panels.copy(lines, lines, steps, from.address(), 4L * across, 4L * along, to.address());
            for (var k = 0; k < steps; k++) {
                for (var x = 0; x < lines; x++) {
                    assertEquals(0x7f800001 + x * across + k * along, to.getAtIndex(JAVA_INT, k * lines + x));
                }
            }
        }
    }
}
