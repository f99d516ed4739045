package org.airelab.kernels.matmul;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** How {@link WgmmaSchedule} shares products out on an H100, of 132 multiprocessors. */
class WgmmaScheduleTest {
    private static final int MULTIPROCESSORS = 132;
    /** Shared memory of an H100's multiprocessor, and what a block takes of it besides its own. */
    private static final int SHARED = 228 << 10;
    private static final int RESERVED = 1 << 10;

    private static WgmmaSchedule of(int m, int n, int k) {
        return WgmmaSchedule.of(WgmmaSchedule.TILES, MatmulShape.of(m, n, k), MULTIPROCESSORS);
    }

    private static Tile tile(int m, int n) {
        return WgmmaSchedule.TILES.stream().filter(tile -> tile.m() == m && tile.n() == n).findFirst().orElseThrow();
    }

    /** At each measured product what was fastest there, or at most 2% slower. */
    @Test
    void measuredProductsTakeTheFastest() {
        var largest = tile(128, 256);
        assertEquals(new WgmmaSchedule(tile(64, 64), 64, 0, 1, 64), of(512, 512, 512));
        assertEquals(new WgmmaSchedule(tile(64, 128), 128, 0, 1, 128), of(1024, 1024, 1024));
        assertEquals(new WgmmaSchedule(tile(128, 192), 96, 0, 1, 96), of(1536, 1536, 1536));
        assertEquals(new WgmmaSchedule(largest, 128, 0, 1, 128), of(2048, 2048, 2048));
        assertEquals(new WgmmaSchedule(largest, 768, 0, 1, 132), of(32_768, 768, 768));
        assertEquals(new WgmmaSchedule(largest, 2304, 0, 1, 132), of(32_768, 2304, 768));
        assertEquals(new WgmmaSchedule(tile(128, 192), 0, 24, 5, 120), of(768, 768, 32_768));
        assertEquals(new WgmmaSchedule(largest, 128, 0, 1, 128), of(1024, 4096, 4096));
        assertEquals(new WgmmaSchedule(largest, 512, 0, 1, 132), of(4096, 4096, 4096));
    }

    @Test
    void otherProducts() {
        assertEquals(new WgmmaSchedule(tile(128, 128), 100, 0, 1, 100), of(1280, 1280, 1280));
        assertEquals(new WgmmaSchedule(tile(128, 256), 1320, 56, 2, 132), of(4096, 11_008, 4096));
        assertEquals(new WgmmaSchedule(tile(64, 128), 0, 32, 4, 128), of(512, 512, 4096));
        assertEquals(new WgmmaSchedule(tile(64, 64), 1, 0, 1, 1), of(8, 16, 8));
    }

    /** All tiles, in slices of a step or more, by as many blocks as there is work for and the device holds. */
    @Test
    void allIsSharedOut() {
        for (var tile : WgmmaSchedule.TILES) {
            for (var k : new int[] {8, 264, 4096}) {
                for (var m : new int[] {8, 136, 1000, 5000}) {
                    var shape = MatmulShape.of(m, 3 * m, k);
                    var schedule = WgmmaSchedule.of(List.of(tile), shape, MULTIPROCESSORS);
                    var units = schedule.whole() + schedule.rest() * schedule.slices();
                    var held = tile.macros().get("RESIDENT") * MULTIPROCESSORS;
                    assertEquals(tile.count(shape), schedule.whole() + schedule.rest());
                    assertEquals(schedule.rest() > 0, schedule.slices() > 1);
                    assertTrue(schedule.slices() <= Math.ceilDiv(k, 64), schedule::toString);
                    assertEquals(Math.min(units, held), schedule.grid());
                }
            }
        }
    }

    @Test
    void keptSchedulesAreThoseOfTheSize() {
        var schedules = new WgmmaSchedules(WgmmaSchedule.TILES, MULTIPROCESSORS);
        var shape = MatmulShape.of(1024, 512, 4096);
        var schedule = schedules.of(shape);
        assertEquals(of(1024, 512, 4096), schedule);
        assertSame(schedule, schedules.of(shape.transposed(true, false).with(MatmulShape.Epilogue.GELU)));
        for (var other : List.of(MatmulShape.of(64, 512, 4096), MatmulShape.of(1024, 64, 4096),
                MatmulShape.of(1024, 512, 64))) {
            assertEquals(WgmmaSchedule.of(WgmmaSchedule.TILES, other, MULTIPROCESSORS), schedules.of(other));
        }
        assertEquals(4, schedules.count());
    }

    @Test
    void onlySoManySchedulesAreKept() {
        var schedules = new WgmmaSchedules(WgmmaSchedule.TILES, MULTIPROCESSORS);
        for (var m = 1; m <= 2 * WgmmaSchedules.MOST + 1; m++) {
            assertEquals(of(m, 512, 64), schedules.of(MatmulShape.of(m, 512, 64)));
            assertTrue(schedules.count() >= 1 && schedules.count() <= WgmmaSchedules.MOST, "of " + m);
        }
    }

    @Test
    void moreToDoIsEstimatedToTakeLonger() {
        for (var tile : WgmmaSchedule.TILES) {
            var before = 0.0;
            for (var size = 256; size <= 8192; size *= 2) {
                var shape = MatmulShape.of(size, size, size);
                var time = WgmmaSchedule.of(List.of(tile), shape, MULTIPROCESSORS)
                        .nanoseconds(shape, MULTIPROCESSORS);
                assertTrue(time > before, tile + " at " + size + ": " + time);
                before = time;
            }
        }
    }

    @Test
    void blocksFitAMultiprocessor() {
        for (var tile : WgmmaSchedule.TILES) {
            var blocks = tile.macros().get("RESIDENT");
            assertTrue(blocks * (tile.sharedBytes() + RESERVED) <= SHARED, tile::toString);
            assertTrue(blocks * tile.threads() <= 2048, tile::toString);
        }
    }
}
