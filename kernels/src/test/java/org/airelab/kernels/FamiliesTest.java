package org.airelab.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import org.airelab.kernels.cpu.Lanes;
import org.junit.jupiter.api.Test;

class FamiliesTest {
    @Test
    void namesAreUniqueAndEveryLadderGoesFromScalarToVector() {
        var names = new HashSet<String>();
        for (var family : Families.all()) {
            assertTrue(names.add(family.name()), family.name());
            var rungs = new HashSet<String>();
            for (var rung : family.rungs()) {
                assertTrue(rungs.add(rung.name()), family.name() + " " + rung.name());
            }
            assertEquals("float64", family.reference().name());
            assertEquals("scalar", family.rungs().getFirst().name());
            assertTrue(List.of("vector", "parallel").contains(family.rungs().getLast().name()), family.name());
            assertTrue(family.rungs().getFirst().available());
            assertEquals(Lanes.available(), family.rungs().getLast().available());
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
