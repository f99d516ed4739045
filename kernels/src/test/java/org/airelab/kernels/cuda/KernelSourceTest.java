package org.airelab.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class KernelSourceTest {
    @Test
    void includedFilesStandInTheirPlaceAndLinesKeepTheirNumbers() {
        List<String> lines = KernelSource.of("cuda/header_probe.cu").text().lines().toList();
        assertEquals("#line 1 \"cuda/header_probe.cu\"", lines.getFirst());
        assertEquals("#line 1 \"cuda/lab.cuh\"", lines.get(2));
        int back = lines.indexOf("#line 3 \"cuda/header_probe.cu\"");
        assertTrue(back > 100, "the header is there");
        assertEquals("", lines.get(back + 1));
        assertTrue(lines.get(back + 2).startsWith("extern"), lines.get(back + 2));
        assertTrue(lines.stream().noneMatch(line -> line.startsWith("#pragma once")));
        assertTrue(lines.stream().noneMatch(line -> line.equals("#include \"lab.cuh\"")));
    }

    @Test
    void macrosAreOptionsInTheirOrder() {
        KernelSource source = KernelSource.of("cuda/probe.cu").with("T", "float").with("TILE", 8);
        assertEquals(List.of("-DT=float", "-DTILE=8"), source.options());
        assertEquals("cuda/probe.cu -DT=float -DTILE=8", source.toString());
    }

    @Test
    void aSourceThatIsNotThereIsNamed() {
        KernelSource source = KernelSource.of("cuda/absent.cu");
        assertEquals("there is no kernel source cuda/absent.cu",
                assertThrows(IllegalArgumentException.class, source::text).getMessage());
    }
}
