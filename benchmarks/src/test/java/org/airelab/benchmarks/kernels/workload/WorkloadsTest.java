package org.airelab.benchmarks.kernels.workload;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import org.airelab.kernels.Families;
import org.airelab.kernels.Family;
import org.junit.jupiter.api.Test;

class WorkloadsTest {
    @Test
    void everyFamilyIsMeasuredAlsoQuickly() {
        for (Family<?> family : Families.all()) {
            assertTrue(Workloads.of(family).stream().anyMatch(Workload::quick), family + " has no quick workload");
            for (Workload<?> workload : Workloads.of(family)) {
                assertEquals(family, Workloads.family(workload));
            }
        }
    }

    @Test
    void idsTellWorkloadsApart() {
        List<String> ids = Workloads.all().map(Workload::id).toList();
        assertEquals(ids.size(), ids.stream().distinct().count(), ids.toString());
        ids.forEach(id -> assertEquals(id, Workloads.find(id).id()));
        assertThrows(IllegalArgumentException.class, () -> Workloads.find("rms-norm/sideways/1x1"));
    }

    @Test
    void inputsAreRandomAndNeverZero() {
        try (Arena arena = Arena.ofConfined()) {
            for (Operand operand : List.of(Operand.normal("x", 300, 257), Operand.squares("v", 300, 257))) {
                MemorySegment memory = arena.allocate(operand.bytes(), 64);
                operand.fill(memory, new SplittableRandom(3));
                float[] values = memory.toArray(JAVA_FLOAT);
                double sum = 0;
                double squares = 0;
                for (int i = 0; i < values.length; i++) {
                    assertTrue(values[i] != 0, "zero at " + i);
                    assertFalse(i >= 257 && values[i] == values[i - 257], "the row above has the same value at " + i);
                    sum += values[i];
                    squares += (double) values[i] * values[i];
                }
                boolean normal = operand.content() == Operand.Content.NORMAL;
                assertEquals(normal ? 0 : 1, sum / values.length, 0.02);
                assertEquals(normal ? 1 : 3, squares / values.length, 0.15);
            }
        }
    }

    @Test
    void idsStayBelowTheirBoundAndCoverIt() {
        Operand ids = Operand.ids("ids", 10, 1000);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ids.bytes(), 8);
            ids.fill(memory, new SplittableRandom(3));
            boolean[] seen = new boolean[10];
            for (long id : memory.toArray(JAVA_LONG)) {
                seen[(int) id] = true;
            }
            for (boolean one : seen) {
                assertTrue(one);
            }
        }
    }

    @Test
    void trafficCountsReadsAndWrites() {
        assertEquals(4 * 6, Operand.normal("x", 2, 3).traffic());
        assertEquals(8 * 6, Operand.normal("x", 2, 3).updated().traffic());
        assertEquals(8 * 5, Operand.ids("ids", 100, 5).traffic());
        Workload<?> norm = Workloads.find("rms-norm/forward/256x768");
        assertEquals(4.0 * (2 * 256 * 768 + 768 + 256), norm.bytes());
        assertEquals(norm.bytes(), norm.footprint());
    }
}
