package org.airelab.benchmarks.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.kernels.Family;
import org.airelab.kernels.softmax.Softmax;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class SelftestCommandTest {
    private record Output(int exitCode, String text) {
        /** The lines of a rung. */
        Stream<String> of(String rung) {
            return text.lines().filter(line -> line.contains(" " + rung + " "));
        }
    }

    private static Output test(Family<?> family) {
        SelftestCommand command = new SelftestCommand();
        StringWriter out = new StringWriter();
        new CommandLine(command).setOut(new PrintWriter(out)).parseArgs("--device", "cpu");
        return new Output(command.test(List.of(family)), out.toString());
    }

    @Test
    void theLabsOwnRungsAreRight() {
        Output output = test(Softmax.FAMILY);
        assertEquals(0, output.exitCode, output.text);
        assertFalse(output.text.contains("WRONG"), output.text);
        assertTrue(output.text.endsWith("all as exact as they should be\n"), output.text);
    }

    /** Although the scalar rung is the first of its ladder, and nothing below it could tell. */
    @Test
    void aScalarRungThatIsWrongIsFound() {
        Softmax right = Softmax.FAMILY.fastest();
        Output output = test(new Family<>("softmax", Softmax.FAMILY.reference(),
                List.of(new Inexact("scalar", 1.0001f), right)));
        assertEquals(1, output.exitCode, output.text);
        assertTrue(output.of("scalar").count() > 1 && output.of("scalar").allMatch(line -> line.endsWith("  WRONG")),
                output.text);
        assertTrue(output.of(right.name()).count() > 1
                && output.of(right.name()).noneMatch(line -> line.endsWith("WRONG")), output.text);
        assertTrue(output.text.matches("(?s).*\\n\\d+ results, \\d+ wrong\\n"), output.text);
    }

    /** Softmax, its results times a factor. */
    private record Inexact(String name, float factor) implements Softmax {
        @Override
        public void forward(MemorySegment x, MemorySegment y, int rows, int width) {
            Softmax.FAMILY.reference().forward(x, y, rows, width);
            scale(y);
        }

        @Override
        public void backward(MemorySegment dy, MemorySegment y, MemorySegment dx, int rows, int width) {
            Softmax.FAMILY.reference().backward(dy, y, dx, rows, width);
            scale(dx);
        }

        private void scale(MemorySegment values) {
            for (long i = 0; i < values.byteSize() / Float.BYTES; i++) {
                values.setAtIndex(JAVA_FLOAT, i, factor * values.getAtIndex(JAVA_FLOAT, i));
            }
        }
    }
}
