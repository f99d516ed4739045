package org.airelab.kernels.matmul;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import jdk.incubator.vector.FloatVector;
import org.airelab.kernels.cpu.Lanes;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RegisterTileTest {
    private static final int DEPTH = 64;
    private static final int CALLS = 1000;
    /** The compiler has other work, too. */
    private static final long PATIENCE_SECONDS = 60;

    static Stream<RegisterTile> tiles() {
        return Stream.of(new Tile3x24(), new Tile12x32());
    }

    /** A tile that is too much for the compiler keeps its sums in objects, new ones in each step. */
    @ParameterizedTest
    @MethodSource("tiles")
    void compiledTilesMakeNoObjects(RegisterTile tile) {
        assumeTrue(FloatVector.SPECIES_PREFERRED.length() >= (tile instanceof Tile12x32 ? 16 : Lanes.COUNT),
                "SKIPPED: this machine's vectors are too narrow for " + tile.getClass().getSimpleName());
        try (var arena = Arena.ofConfined()) {
            var a = arena.allocate(Panels.bytes(tile.rows(), DEPTH), 64);
            var b = arena.allocate(Panels.bytes(tile.columns(), DEPTH), 64);
            var sums = arena.allocate(4L * tile.rows() * tile.columns(), 64);
            var end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            var bytes = Long.MAX_VALUE;
            while (bytes > CALLS && System.nanoTime() < end) {
                bytes = allocated();
                for (var i = 0; i < CALLS; i++) {
                    tile.multiply(DEPTH, a.address(), b.address(), sums.address());
                }
                bytes = allocated() - bytes;
            }
            assertTrue(bytes <= CALLS, CALLS + " tiles: " + bytes + " bytes of objects");
        }
    }

    private static long allocated() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }
}
