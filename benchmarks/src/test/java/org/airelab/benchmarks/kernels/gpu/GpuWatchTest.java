package org.airelab.benchmarks.kernels.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.airelab.kernels.cuda.GpuReadings;
import org.junit.jupiter.api.Test;

class GpuWatchTest {
    private static final GpuReadings FIRST = reading(40, 0);

    private static GpuReadings reading(int celsius, long reasons) {
        return new GpuReadings(1800, 2600, 1980, 300, celsius, reasons);
    }

    private final Deque<GpuReadings> readings = new ArrayDeque<>();

    private boolean coolDown(long patience, GpuReadings... following) {
        readings.clear();
        readings.addAll(List.of(following));
        return GpuWatch.coolDown(FIRST, () -> Optional.ofNullable(readings.poll()), patience, 1);
    }

    @Test
    void waitsUntilTheDeviceIsAsCoolAsAtTheBeginning() {
        assertTrue(coolDown(1000, reading(60, 0), reading(46, 0), reading(45, 0), reading(30, 0)));
        assertEquals(1, readings.size(), "45 degrees are cool enough");
    }

    @Test
    void waitsUntilNothingHoldsTheClockDown() {
        assertTrue(coolDown(1000, reading(40, 0x20), reading(40, 4), reading(40, 1), reading(40, 0)));
        assertEquals(1, readings.size(), "being idle does not count");
    }

    @Test
    void whatHeldTheClockDownFromTheBeginningIsNotWaitedFor() {
        readings.addAll(List.of(reading(40, 4 | 0x20), reading(40, 4)));
        assertTrue(GpuWatch.coolDown(reading(40, 4), () -> Optional.ofNullable(readings.poll()), 1000, 1));
        assertEquals(0, readings.size());
    }

    @Test
    void patienceEnds() {
        GpuReadings[] hot = new GpuReadings[10];
        java.util.Arrays.fill(hot, reading(80, 0));
        assertFalse(coolDown(3, hot));
        assertEquals(6, readings.size(), "asked at 0, 1, 2 and 3 ms");
    }

    @Test
    void aDeviceThatDoesNotTellIsNotWaitedFor() {
        assertTrue(coolDown(1000));
    }
}
