package org.airelab.benchmarks.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.airelab.base.Json;
import org.airelab.benchmarks.report.Report;
import org.airelab.cli.Lab;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareCommandTest {
    @TempDir
    private Path folder;

    private record Result(int exitCode, String out, String err) {
    }

    private static Result lab(Object... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        String[] words = List.of(arguments).stream().map(Object::toString).toArray(String[]::new);
        int exitCode = Lab.run(new PrintStream(out, true), new PrintStream(err, true), words);
        return new Result(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** A report with one row a kernel, its times about 1 ms times what the map says. */
    private Path report(String name, long seed, String cpu, Map<String, Double> kernels) throws IOException {
        return report(name, seed, cpu, kernels, "libtorch: relu");
    }

    private Path report(String name, long seed, String cpu, Map<String, Double> kernels, String baseline)
            throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        List<Map<String, Object>> rows = new ArrayList<>();
        kernels.forEach((kernel, ms) -> rows.add(Map.of("family", "relu", "operation", "forward", "shape", "8x8",
                "dtype",
                "fp32", "device", "cpu", "kernel", kernel, "samples_ms", samples(random, ms),
                "baseline", baseline, "baseline_samples_ms", samples(random, 2))));
        Path file = folder.resolve(name);
        Json.write(file, Map.of("format", Report.FORMAT, "environment", Map.of("date", name, "hardware", Map.of("cpu",
                cpu)),
                "rows", rows));
        return file;
    }

    private static double[][] samples(SplittableRandom random, double ms) {
        double[][] samples = new double[4][5];
        for (double[] jvm : samples) {
            for (int i = 0; i < jvm.length; i++) {
                jvm[i] = ms * (1 + 0.01 * random.nextDouble());
            }
        }
        return samples;
    }

    @Test
    void aTenthSlowerEndsWithOneAndNamesTheRow() throws IOException {
        Path base = report("base.json", 1, "X", Map.of("scalar", 3.0, "vector", 1.0, "old", 1.0));
        Path changed = report("new.json", 2, "Y", Map.of("scalar", 3.0, "vector", 1.1, "young", 1.0));
        Path html = folder.resolve("change.html");
        Result result = lab("compare", base, changed, "--html", html);
        assertEquals(1, result.exitCode, result.err);
        assertTrue(result.err.contains("1 row is slower by a ratio below 0.95: relu/forward/8x8/fp32/cpu/vector (0.9"),
                result.err);
        assertTrue(result.out.lines().anyMatch(line -> line.startsWith("relu/forward/8x8/fp32/cpu/scalar")
                && line.endsWith("same")), result.out);
        assertTrue(result.out.contains("1 row is only in the base: relu/forward/8x8/fp32/cpu/old"), result.out);
        assertTrue(result.out.contains("1 row is only in the new report: relu/forward/8x8/fp32/cpu/young"), result.out);
        assertTrue(result.out.contains("the environments differ in hardware.cpu: X in the base, Y in the new one"),
                result.out);
        assertFalse(result.out.contains("date"), result.out);
        String page = Files.readString(html);
        assertTrue(page.contains("<svg") && page.contains("slower") && !page.contains("<script"), page);
        assertEquals(0, lab("compare", base, changed, "--fail-below", "0.9").exitCode);
        assertEquals(0, lab("compare", changed, base).exitCode, "faster is no failure");
    }

    @Test
    void aThresholdNearOneNarrowsTheMargin() throws IOException {
        Path base = report("base.json", 1, "X", Map.of("vector", 1.0));
        Path changed = report("new.json", 2, "X", Map.of("vector", 1.035));
        assertTrue(lab("compare", base, changed).out.contains("1 same"));
        Result result = lab("compare", base, changed, "--fail-below", "0.98");
        assertEquals(1, result.exitCode, result.out);
        assertTrue(result.err.contains("1 row is slower by a ratio below 0.98"), result.err);
        said(lab("compare", base, changed, "--fail-below", "0.98", "--margin", "0.05"), "expected --fail-below and"
                + " --margin of at most 1 together, found 0.98 and 0.05: rows within the margin are the same");
        assertEquals(0, lab("compare", base, changed, "--fail-below", "0.93", "--margin", "0.07").exitCode);
    }

    @Test
    void jsonSaysTheSame() throws IOException {
        Path base = report("base.json", 1, "X", Map.of("scalar", 3.0, "vector", 1.0));
        Path changed = report("new.json", 2, "X", Map.of("scalar", 3.0, "vector", 0.8));
        Result result = lab("compare", base, changed, "--json");
        assertEquals(0, result.exitCode, result.err);
        JsonNode root = Json.MAPPER.readTree(result.out);
        for (JsonNode row : root.get("rows")) {
            boolean vector = row.get("key").asText().endsWith("vector");
            assertEquals(vector ? "faster" : "same", row.get("verdict").asText());
            assertEquals(vector ? 1.25 : 1, row.get("ratio").asDouble(), 0.02);
        }
        assertEquals(0, root.get("differences").size());
        assertEquals(1, root.get("baseline_ratio").asDouble(), 0.02);
    }

    @Test
    void librariesAreMatchedByWhatTheyCalled() throws IOException {
        Path base = report("base.json", 1, "X", Map.of("vector", 1.0), "libtorch: relu");
        Path changed = report("new.json", 2, "X", Map.of("vector", 1.0), "libtorch: clamp");
        assertEquals("NaN", Json.MAPPER.readTree(lab("compare", base, changed, "--json").out).get("baseline_ratio")
                .asText());
        assertFalse(lab("compare", base, changed).out.contains("libraries"));
        assertTrue(lab("compare", base, base).out.contains("too few of the libraries' own times"));
    }

    private Path jmh(String name, String mode, String unit, double... scores) throws IOException {
        Path file = folder.resolve(name);
        double[][] raw = new double[3][];
        for (int i = 0; i < 3; i++) {
            raw[i] = scores.clone();
            raw[i][0] *= 1 + 0.001 * i;
        }
        Json.write(file, List.of(Map.of("benchmark", "org.Some.thing", "mode", mode, "params", Map.of("n", "5"),
                "primaryMetric", Map.of("scoreUnit", unit, "rawData", raw))));
        return file;
    }

    @Test
    void jmhsJsonIsReadInAllUnits() throws IOException {
        Path time = jmh("time.json", "avgt", "us/op", 500, 501, 499, 500);
        Path rate = jmh("rate.json", "thrpt", "ops/ms", 2, 2.002, 1.998, 2);
        Path slower = jmh("slower.json", "thrpt", "ops/s", 1500, 1501, 1499, 1500);
        Result same = lab("compare", time, rate);
        assertEquals(0, same.exitCode, same.err);
        assertTrue(same.out.contains("org.Some.thing n=5") && same.out.contains("1 same"), same.out);
        assertTrue(same.out.contains("the environments differ in mode: avgt in the base, thrpt in the new one"),
                same.out);
        assertEquals(1, lab("compare", rate, slower).exitCode);
    }

    @Test
    void badInputIsSaid() throws IOException {
        Path good = report("base.json", 1, "X", Map.of("vector", 1.0));
        Path other = report("other.json", 1, "X", Map.of("scalar", 1.0));
        Path text = Files.writeString(folder.resolve("text.json"), "hello");
        Path json = Files.writeString(folder.resolve("json.json"), "{\"rows\": []}");
        Path zero = jmh("zero.json", "avgt", "us/op", 0, 1);
        Path bytes = jmh("bytes.json", "thrpt", "MB/s", 1, 1);
        Path histogram = folder.resolve("sampling.json");
        Json.write(histogram, List.of(Map.of("benchmark", "org.Some.thing", "primaryMetric", Map.of("scoreUnit",
                "us/op"))));
        said(lab("compare", good, folder.resolve("none.json")), "there is no file");
        said(lab("compare", good, text), "text.json is not JSON: unrecognized token 'hello'\n");
        Path lines = Files.writeString(folder.resolve("lines.jsonl"), "{}\n{}\n");
        said(lab("compare", lines, good), "lines.jsonl is not JSON: it goes on after the end of its first value\n");
        Path page = Files.writeString(folder.resolve("page.md"), "# Speed");
        said(lab("compare", good, page), "page.md is not JSON: unexpected character '#'\n");
        said(lab("compare", good, json), "expected a speed report of format aire-lab-bench-1 or JMH's JSON");
        said(lab("compare", good, other), "no row of");
        said(lab("compare", good, zero), "expected positive times, found 0.0");
        said(lab("compare", good, bytes), "found MB/s");
        said(lab("compare", good, histogram), "has no samples");
        said(lab("compare", good, good, "--fail-below", "1.5"), "found 1.5");
        said(lab("compare", good, good, "--margin", "1"), "found 1.0");
    }

    private static void said(Result result, String words) {
        assertEquals(2, result.exitCode, result.out + result.err);
        assertTrue(result.err.contains(words), "expected '" + words + "', found " + result.err);
        assertEquals("", result.out);
    }
}
