package org.airelab.benchmarks.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.airelab.cli.Lab;
import org.airelab.kernels.DType;
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
        return test(Selection.of(List.of(family)));
    }

    private static Output test(Selection selection) {
        SelftestCommand command = new SelftestCommand();
        StringWriter out = new StringWriter();
        new CommandLine(command).setOut(new PrintWriter(out)).parseArgs("--device", "cpu");
        return new Output(command.test(selection), out.toString());
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

    private static Output lab(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
        return new Output(Lab.run(stream, stream, arguments), out.toString(StandardCharsets.UTF_8));
    }

    @Test
    void aRungAtOneShape() {
        Output output = lab("selftest", "softmax", "gelu", "--device", "cpu", "--kernel", "vector", "--shape",
                "^3x143$", "--dtype", "fp16,fp32");
        assertEquals(0, output.exitCode, output.text);
        assertEquals(List.of("backward", "forward"), output.of("vector").map(line -> line.split(" +")[1]).sorted()
                .toList(), output.text);
        assertTrue(output.text.contains("\n2 results, all as exact as they should be\n"), output.text);
    }

    /** Of what is not asked for nothing is found. */
    @Test
    void aWrongRungThatIsLeftOut() {
        Family<Softmax> family = new Family<>("softmax", Softmax.FAMILY.reference(),
                List.of(new Inexact("scalar", 2), Softmax.FAMILY.fastest()));
        assertEquals(0, test(new Selection(List.of(family), Pattern.compile(""), Set.of(DType.FP32),
                Set.of(Softmax.FAMILY.fastest().name()))).exitCode);
        assertEquals(1, test(new Selection(List.of(family), Pattern.compile("3x143"), Set.of(DType.FP32),
                Set.of("scalar"))).exitCode);
    }

    @Test
    void whatThereIsInsteadIsTold() {
        Output output = lab("selftest", "softmax", "--device", "cpu", "--kernel", "scalar,vectr");
        assertEquals(2, output.exitCode);
        assertTrue(output.text.contains("unknown kernel vectr; known here are scalar, vector"), output.text);
        output = lab("selftest", "softmax", "--device", "cpu", "--dtype", "bf16,fp16");
        assertEquals(2, output.exitCode);
        assertTrue(output.text.contains("nothing has all of what was asked for; there are the shapes ")
                && output.text.contains(" in fp32\n"), output.text);
        assertEquals(2, lab("selftest", "softmax", "--device", "cpu", "--shape", "^3$").exitCode);
        assertEquals(2, lab("selftest", "softmax", "--device", "cpu", "--dtype", "fp64").exitCode);
    }

    @Test
    void columnsAreAsWideAsTheirContent() {
        String shape = "1216x1343x24-tt-silu";
        Output output = lab("selftest", "matmul", "--device", "cpu", "--kernel", "parallel", "--shape", shape);
        List<String> lines = output.text.lines().filter(line -> line.contains(" multiply ")
                || line.startsWith("family ")).toList();
        assertEquals(2, lines.size(), output.text);
        int kernel = lines.getFirst().indexOf("kernel");
        assertEquals(kernel, lines.getLast().indexOf("parallel"), output.text);
        assertEquals(kernel, lines.getLast().indexOf(shape) + shape.length() + 1, output.text);
        assertEquals(lines.getFirst().length(), lines.getLast().length(), output.text);
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
