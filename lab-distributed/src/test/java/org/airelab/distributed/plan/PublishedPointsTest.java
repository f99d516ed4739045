package org.airelab.distributed.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.airelab.distributed.plan.PublishedPoint.Quantity;
import org.airelab.distributed.plan.PublishedPoints.Source;
import org.junit.jupiter.api.Test;

class PublishedPointsTest {
    private static final List<Source> SOURCES = PublishedPoints.load();

    /** At least eight of those that had no part in choosing the model's constants and leave nothing open. */
    @Test
    void eightAndMoreAreReproduced() {
        assertTrue(PublishedPoints.reproduced(SOURCES) >= 8, PublishedPoints.table(SOURCES));
        long memory = SOURCES.stream().flatMap(source -> source.points().stream())
                .filter(point -> point.quantity() == Quantity.MEMORY_GIB && Math.abs(point.error()) <= 0.2).count();
        assertTrue(memory >= 3, PublishedPoints.table(SOURCES));
    }

    /** The tables in the documentation are what the command prints, and the hardware it knows. */
    @Test
    void documentation() throws IOException {
        String text = Files.readString(Path.of("docs/plan.md"));
        assertTrue(text.contains(PublishedPoints.table(SOURCES)), "docs/plan.md has not what lab plan --check prints:\n"
                + PublishedPoints.table(SOURCES));
        for (Hardware gpu : HardwareTable.all().values()) {
            String row = String.format(Locale.ROOT, "| %s | %.0f, %s | %.2f | %.2f |", gpu.name(), gpu.halfTflops(),
                    String.valueOf(gpu.floatTflops()).replace(".0", ""), gpu.sustained(), gpu.attention());
            assertTrue(text.contains(row), row);
        }
    }

    /** Each is of a document at a commit, of an article, or of this repository, and no two are the same. */
    @Test
    void sources() {
        for (Source source : SOURCES) {
            assertTrue(source.where().matches("github\\.com/.* at [0-9a-f]{7}.*|github\\.com/.*/pull/\\d+|arXiv:.*"
                    + "|benchmarks/reports/.*"), source.where());
            assertEquals(source.points().size(), source.points().stream().distinct().count());
            assertFalse(source.points().isEmpty());
        }
    }

    /** This lab's own run, as its report has it. */
    @Test
    void ownReport() throws IOException {
        PublishedPoint own = SOURCES.getFirst().points().getFirst();
        String report = Files.readString(Path.of("..").resolve(SOURCES.getFirst().where()));
        assertTrue(report.contains(String.format(Locale.ROOT, "| lab, ours | %,.0f |", own.value())), report);
    }
}
