package org.airelab.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Lanes;
import org.junit.jupiter.api.Test;

class FamiliesTest {
    @Test
    void namesAreUniqueAndEveryLadderGoesFromScalarToParallel() {
        var names = new HashSet<String>();
        for (var family : Families.all()) {
            assertTrue(names.add(family.name()), family.name());
            assertEquals("float64", family.reference().name());
            assertEquals(switch (family.name()) {
                case "matmul" -> List.of("scalar", "blocked", "vector", "packed", "parallel");
                case "attention" -> List.of("scalar", "blocked", "vector", "parallel");
                default -> List.of("scalar", "vector", "parallel");
            }, family.rungs().stream().map(Rung::name).toList(), family.name());
            for (var rung : family.rungs()) {
                var plain = List.of("scalar", "blocked").contains(rung.name());
                assertEquals(plain || Lanes.available(), rung.available(), family.name());
                assertEquals(rung.name().equals("parallel") ? Cores.ALL : Cores.ONE, rung.cores(), family.name());
            }
        }
        assertEquals(17, names.size());
    }

    @Test
    void theFastestRungIsTheLastAvailable() {
        var slow = new Named("slow", true);
        var fast = new Named("fast", true);
        var absent = new Named("absent", false);
        assertSame(fast, new Family<>("test", slow, List.of(slow, fast, absent)).fastest());
        assertSame(absent, new Family<>("test", slow, List.of(absent)).fastest());
        assertThrows(IllegalArgumentException.class, () -> new Family<>("test", slow, List.of()));
    }

    private record Named(String name, boolean available) implements Rung {}
}
