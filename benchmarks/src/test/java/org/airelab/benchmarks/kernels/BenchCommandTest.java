package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.base.Json;
import org.airelab.cli.Lab;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BenchCommandTest {
    @TempDir
    private Path folder;

    private record Result(int exitCode, String out, String err) {
    }

    private static Result lab(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode = Lab.run(new PrintStream(out, true), new PrintStream(err, true), arguments);
        return new Result(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void measuresAFamilyAndWritesAReportThatCompareReads() throws IOException {
        Path json = folder.resolve("speed.json");
        Result result = lab("bench", "gradient-norm", "--device", "cpu", "--quick", "--out",
                json.toString());
        assertEquals(0, result.exitCode, result.err);
        JsonNode report = Json.MAPPER.readTree(Files.readAllBytes(json));
        assertEquals(3, report.get("rows").size());
        for (JsonNode row : report.get("rows")) {
            assertEquals("gradient-norm", row.get("family").asText());
            assertTrue(row.get("median_ms").asDouble() > 0);
            assertEquals(row.get("baseline_median_ms").asDouble() / row.get("median_ms").asDouble(),
                    row.get("ratio").asDouble(), 1e-9);
            assertEquals(Schedule.QUICK.forks(), row.get("samples_ms").size());
            assertEquals(Schedule.QUICK.visits(), row.get("samples_ms").get(0).size());
            assertTrue(row.get("max_error").asDouble() < 1e-5);
            assertEquals(1e-6 * row.get("bytes").asDouble() / row.get("median_ms").asDouble(), row.get("gbps")
                    .asDouble(), 1e-6);
        }
        assertTrue(report.get("roofline").get("copy_gbps").asDouble() > 0.1);
        assertTrue(report.get("roofline").get("fma_tflops").asDouble() > 1e-4);
        assertTrue(Files.readString(folder.resolve("speed.html")).contains("Ladder: gradient-norm"));
        assertTrue(result.out.startsWith(Files.readString(folder.resolve("speed.md"))), result.out);
        Result compared = lab("compare", json.toString(), json.toString());
        assertEquals(0, compared.exitCode, compared.err);
        assertFalse(compared.out.contains("environments differ"), compared.out);
    }

    @Test
    void aPartOfALadderAtSomeShapesAndWhatIsThereInstead() throws IOException {
        Path json = folder.resolve("part.json");
        Result result = lab("bench", "gradient-norm", "--device", "cpu", "--quick", "--kernel", "vector", "--shape",
                "^131072$", "--out", json.toString());
        assertEquals(0, result.exitCode, result.err);
        JsonNode rows = Json.MAPPER.readTree(Files.readAllBytes(json)).get("rows");
        assertEquals(List.of("vector"), rows.findValuesAsText("kernel"));
        assertTrue(rows.get(0).get("ratio").asDouble() > 0);
        String error = lab("bench", "gradient-norm", "--device", "cpu", "--kernel", "vectr").err;
        assertTrue(error.contains("unknown kernel vectr; known here are scalar, vector, parallel"), error);
        error = lab("bench", "gradient-norm", "--device", "cpu", "--quick", "--dtype", "bf16").err;
        assertTrue(error.contains("there are the shapes ") && error.contains(" in fp32"), error);
    }

    /** Of each of a report's files, and of the other build's, before anything is measured. */
    @ParameterizedTest
    @ValueSource(strings = {"part.json", "part.md", "part.base.html"})
    void whatCannotBeWrittenIsSaidAtOnce(String name) throws IOException {
        Files.createDirectory(folder.resolve(name));
        Path before = Files.createDirectory(folder.resolve("before"));
        BuildTest.build(before);
        Result result = lab("bench", "gradient-norm", "--device", "cpu", "--quick", "--base", before.toString(),
                "--out", folder.resolve("part.json").toString());
        assertEquals(2, result.exitCode, result.err);
        assertTrue(result.err.contains(name), result.err);
        assertEquals("", result.out);
    }

    @Test
    void whatCannotBeMeasuredIsSaidAtOnce() {
        assumeTrue(GpuTarget.find().isEmpty(), "SKIPPED: this machine has a GPU");
        Result cuda = lab("bench", "--device", "cuda");
        assertEquals(3, cuda.exitCode);
        assertTrue(cuda.err.contains("NVIDIA's driver is not there: libcuda.so.1 cannot be loaded")
                || cuda.err.contains("NVIDIA's driver finds no GPU"), cuda.err);
        for (List<String> wrong : List.of(List.of("--device", "tpu"), List.of("--threads", "100000"),
                List.of("sofmax-norm"), List.of("--out", "report"))) {
            String[] arguments = Stream.concat(Stream.of("bench"), wrong.stream())
                    .toArray(String[]::new);
            assertEquals(2, lab(arguments).exitCode, wrong.toString());
        }
        assertTrue(lab("bench", "rmsnorm").err.contains("Did you mean rms-norm?"));
    }

    @Test
    void whereNothingCanBeWrittenNothingIsMeasured() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        Path report = file.resolve("speed.json");
        Result result = lab("bench", "--device", "cpu", "--out", report.toString());
        assertEquals(2, result.exitCode, result.err);
        assertTrue(result.err.startsWith("error: cannot write " + report + " (not a folder: " + file + ")"),
                result.err);
        Files.createDirectory(folder.resolve("speed.html"));
        result = lab("bench", "--device", "cpu", "--out", folder.resolve("speed.json").toString());
        assertTrue(result.err.startsWith("error: cannot write " + folder.resolve("speed.html")), result.err);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--shape [              | expected --shape to be a regular expression, found [: unclosed character class",
        "--dtype fp32,fp8       | expected --dtype to be fp32 or fp16 or bf16, found fp8",
        "--threads two          | expected --threads to be a whole number, found two"})
    void aWrongValueIsOneSentence(String options, String sentence) {
        Result result = lab(("bench " + options).split(" "));
        assertEquals(2, result.exitCode);
        assertEquals("error: " + sentence, result.err.lines().findFirst().orElseThrow());
    }
}
