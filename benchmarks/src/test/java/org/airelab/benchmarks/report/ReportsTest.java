package org.airelab.benchmarks.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.airelab.base.Json;
import org.airelab.tracking.Hardware;
import org.junit.jupiter.api.Test;
import org.xml.sax.InputSource;

class ReportsTest {
    static Row row(String family, String shape, String kernel, double ms, Double baselineMs) {
        Double ratio = baselineMs == null ? null : baselineMs / ms;
        return new Row(family, "forward", kernel, "cpu", "fp32", shape, ms, 0.9 * ms, 1.2 * ms, null, 1e-6 * 8e6 / ms,
                0.4,
                baselineMs == null ? null : "libtorch: op & op", baselineMs, ratio, 1.5e-7, baselineMs == null ? null
                : 2e-7, 6e-8,
                4e6, 8e6, new double[][] {{ms, ms}, {ms, 1.2 * ms}}, null);
    }

    private static Report report(Row... rows) {
        Environment environment = new Environment("2026-01-02T03:04:05Z", "cpu",
                new Hardware("host", "Linux", "Some <CPU>", 2, 16L << 30, List.of()), 32 << 20, 2, "unknown",
                Double.NaN, 0.1, 5,
                "VM 25", "-Xmx4g", Map.of("lab", "1"), "abc", true, "quick, warm", 3, 4, 12);
        return new Report(Report.FORMAT, environment, new Report.Roofline(20, 0.1), List.of(rows));
    }

    private static Report ladders() {
        return report(row("rms-norm", "8x8", "scalar", 4, 2.0), row("rms-norm", "8x8", "vector", 1, 2.0),
                row("rms-norm", "9x9", "scalar", 8, 2.0), row("rms-norm", "9x9", "vector", 4, 2.0),
                row("relu", "8x8", "scalar", 3, null));
    }

    @Test
    void theTopRungOfEachWorkloadIsTheLast() {
        assertEquals(List.of("rms-norm/forward/8x8/fp32/cpu/vector", "rms-norm/forward/9x9/fp32/cpu/vector",
                "relu/forward/8x8/fp32/cpu/scalar"), ladders().fastest().stream().map(Row::key).toList());
    }

    @Test
    void theSummaryGivesTheGeometricMeanAndNamesWhatLoses() {
        String summary = String.join("\n", MarkdownReport.summary(ladders()));
        assertTrue(summary.contains("geometric mean 1.00 over 2 workloads that are one operator there.\n1 loses, with a"
                + " ratio below 0.995: rms-norm forward 9x9 (0.50)."), summary);
        String one = String.join("\n", MarkdownReport.summary(report(row("relu", "8", "vector", 1, 2.0))));
        assertTrue(one.contains("geometric mean 2.00 over 1 workload that is one operator there.\nNone loses:"), one);
        assertFalse(String.join("\n", MarkdownReport.summary(report(row("relu", "8", "scalar", 1, null))))
                .contains("mean"));
    }

    @Test
    void whatTheLibraryComposesHasAMeanOfItsOwn() {
        Report report = report(row("relu", "8", "vector", 1, 2.0), composed(row("adam", "8", "vector", 1, 9.0)),
                composed(row("sgd", "8", "vector", 1, 4.0)));
        String summary = String.join("\n", MarkdownReport.summary(report));
        assertTrue(summary.contains("geometric mean 2.00 over 1 workload that is one operator there, 6.00 over 2"
                + " workloads that are several operators there."), summary);
        assertEquals(2, new HtmlReport(report).text().split("ratio of the library's time").length - 1);
    }

    private static Row composed(Row r) {
        return new Row(r.family(), r.operation(), r.kernel(), r.device(), r.dtype(), r.shape(), r.medianMs(), r.p20Ms(),
                r.p80Ms(), r.tflops(), r.gbps(), r.fractionOfPeak(), "libtorch: mul, add" + Row.COMPOSED
                + ", not in a graph", r.baselineMedianMs(), r.ratio(), r.maxError(), r.baselineMaxError(), r.rounding(),
                r.flops(), r.bytes(), r.samplesMs(), r.baselineSamplesMs());
    }

    @Test
    void aRatioPrintedAsOneIsNoLoss() {
        for (double ms : new double[] {1, 1.005, 1.006}) {
            Row row = row("relu", "8", "vector", ms, 1.0);
            boolean even = Numbers.ratio(row.ratio()).equals("1.00");
            assertEquals(ms < 1.006, even);
            Report report = report(row);
            assertEquals(even, MarkdownReport.summary(report).contains("None loses: no ratio is below 0.995."));
            assertEquals(even, !new HtmlReport(report).text().contains("class=\"bad\""));
        }
    }

    @Test
    void theRooflineIsTheSlowerOfBothLimits() {
        Report.Roofline roofline = new Report.Roofline(20, 0.1);
        assertEquals(1, roofline.leastMs(1e8, 1e6, "fp32"), 1e-12);
        assertEquals(2, roofline.leastMs(1e8, 4e7, "fp32"), 1e-12);
        Report.Roofline gpu = new Report.Roofline(3000, 60, 600.0);
        assertEquals(10, gpu.leastMs(6e11, 1, "fp32"), 1e-9);
        assertEquals(1, gpu.leastMs(6e11, 1, "bf16"), 1e-9);
        assertEquals(1, gpu.leastMs(1, 3e9, "bf16"), 1e-9);
    }

    private static Row gpuRow(String family, String kernel, String dtype, double ms, String baseline) {
        return new Row(family, "forward", kernel, "Some <GPU>", dtype, "8x8", ms, ms, ms, null, 8.0, 0.4, baseline,
                baseline == null ? null : 2.0, baseline == null ? null : 2 / ms, null, null, null, 4e6, 8e6,
                new double[][] {{ms}}, null);
    }

    private static Report gpuReport() {
        Environment cpu = report(row("relu", "8x8", "scalar", 3, null)).environment();
        Gpu gpu = new Gpu(new Gpu.Model("Some <GPU>", 90, 132, 80L << 30, 50 << 20, "12.6", "NVRTC 12.6"), List.of(
                new Gpu.Load(1500, 1700, 1980, 2600, 690, 35, 71, 12, List.of("power limit")),
                new Gpu.Load(1600, 1800, 1980, 2600, 500, 35, 60, 0, List.of())));
        Environment environment = new Environment(cpu.date(), "cuda", cpu.hardware(), 1, 2, "unknown", 1, 0, 0, "VM",
                "", Map.of(), "abc", false, "quick, warm", 2, 3, 10, gpu,
                List.of("Not compared with libtorch: why."), null);
        return new Report(Report.FORMAT, environment, new Report.Roofline(3000, 60, 600.0), List.of(
                gpuRow("matmul", "naive", "fp32", 4, "cublas: cublasSgemm"),
                gpuRow("matmul", "mma", "bf16", 1, "cublas: cublasGemmEx"),
                gpuRow("softmax", "block", "fp16", 4, "libtorch: softmax")));
    }

    @Test
    void aGpusReportHasALadderForEachFamilyAndTypeAndARooflineForEachType() {
        String page = new HtmlReport(gpuReport()).text();
        for (String heading : List.of("Ladder: matmul", "Ladder: matmul, bf16", "Ladder: softmax, fp16", "Roofline",
                "Roofline, bf16", "Roofline, fp16")) {
            assertTrue(page.contains("<h2>" + heading + "</h2>"), heading);
        }
        assertTrue(page.contains("Top rungs against cublas and libtorch"));
        assertTrue(page.contains("60.0 TFLOP/s") && page.contains("600 TFLOP/s"), "a peak for each");
        assertFalse(page.contains("Some <GPU>"));
    }

    @Test
    void whatMakesAGpusNumbersDoubtfulIsSaidFirst() {
        String text = new MarkdownReport(gpuReport()).text();
        assertTrue(text.contains("tensor cores in half types 600.0 TFLOP/s"), text);
        String top = text.substring(0, text.indexOf("| workload"));
        assertTrue(top.contains("The GPU's clock was held down after 12% of the samples of round 1: power limit."),
                top);
        assertFalse(top.contains("round 2"), top);
        assertTrue(top.contains("Not compared with libtorch: why."), top);
        Gpu gpu = gpuReport().environment().gpu();
        List<Gpu.Load> alike = List.of(gpu.loads().getFirst(), gpu.loads().getFirst());
        Environment e = report(row("relu", "8x8", "scalar", 3, null)).environment();
        Environment twice = new Environment(e.date(), "cuda", e.hardware(), 1, 2, "unknown", 1, 0, 0, "VM", "",
                Map.of(), "abc", false, "quick, warm", 2, 3, 10, new Gpu(gpu.model(), alike), List.of(), null);
        assertTrue(Facts.warnings(twice).getLast().contains("round 2"), "rounds alike are told apart");
        assertTrue(text.contains("| matmul forward 8x8 bf16 | mma |"), text);
        assertTrue(text.contains("GPU: Some <GPU>, compute capability 9.0, 132 multiprocessors, 80 GiB, L2 cache 50"
                + " MiB; driver of CUDA 12.6, kernels by NVRTC 12.6"), text);
        assertTrue(text.contains("Round 2: multiprocessors at 1800 MHz (median; least 1600, could be 1980), memory at"
                + " 2600 MHz, up to 500 W, 35 to 60 degrees"), text);
    }

    /** A row of a kernel, its largest error, the library's and a rounding's. */
    private static Row compared(String kernel, Double error, Double library, Double rounding) {
        return new Row("softmax", "forward", kernel, "gpu", "bf16", "8x8", 1, 1, 1, null, 8.0, 0.4, "libtorch: softmax",
                2.0, 2.0, error, library, rounding, 4e6, 8e6, new double[][] {{1}}, null);
    }

    @Test
    void rowsWithMoreThanTwiceTheLibrarysErrorAreNamed() {
        Report report = report(compared("twice", 8e-3, 4e-3, 1e-3), compared("more", 8.1e-3, 4e-3, 1e-3),
                compared("library-is-exact", 2e-3, 0.0, 1e-3), compared("above-a-rounding", 2.1e-3, 0.0, 1e-3),
                compared("not-a-number", Double.NaN, 4e-3, 1e-3), compared("library-fails", 4e-3, Double.NaN, 1e-3),
                compared("unknown", null, 4e-3, 1e-3), compared("no-library", 1.0, null, 1e-3),
                compared("older-report", 1.0, 0.0, null));
        String line = "Largest errors more than twice the library's, or than a rounding of the largest result where"
                + " that"
                + " is more: 3 of 6 rows: softmax forward 8x8 bf16 more (8.1e-03 against 4.0e-03), softmax forward 8x8"
                + " bf16 above-a-rounding (2.1e-03 against 0.0e+00), softmax forward 8x8 bf16 not-a-number (NaN against"
                + " 4.0e-03).";
        assertEquals(Optional.of(line), MarkdownReport.errors(report));
        String text = new MarkdownReport(report).text();
        assertTrue(text.contains("\n" + line + "\n"), text);
        assertTrue(text.contains("| 8.1e-03 (> 2x) | 4.0e-03 |") && text.contains("| 8.0e-03 | 4.0e-03 |"), text);
        String page = new HtmlReport(report).text();
        assertEquals(4, page.split("<td class=\"bad\">").length, page);
        assertTrue(page.contains("<td class=\"bad\">8.1e-03<small>4.0e-03</small>"), page);
    }

    @Test
    void whereErrorsAreComparedItIsSaidThatNoneIsTooLarge() {
        assertEquals(Optional.of("Largest errors more than twice the library's, or than a rounding of the largest"
                + " result"
                + " where that is more: none of 4 rows."), MarkdownReport.errors(ladders()));
        assertEquals(Optional.empty(), MarkdownReport.errors(gpuReport()));
    }

    @Test
    void jsonHasTheNamesOfTheFormat() {
        String json = Json.pretty(ladders());
        for (String name : List.of("median_ms", "p20_ms", "p80_ms", "tflops", "gbps", "fraction_of_peak", "baseline",
                "baseline_median_ms", "ratio", "max_error", "baseline_max_error", "rounding", "samples_ms",
                "copy_gbps", "fma_tflops", "cache_bytes")) {
            assertTrue(json.contains("\"" + name + "\""), name);
        }
    }

    @Test
    void markdownHasARowForEachKernel() {
        String text = new MarkdownReport(ladders()).text();
        assertTrue(text.contains("| rms-norm forward 8x8 | vector | 1.00 ms | 900 us to 1.20 ms | 8.00 GB/s | 40%"
                + " | 2.00 ms | 2.00 | 1.5e-07 | 2.0e-07 |"), text);
        assertTrue(text.contains("| relu forward 8x8 | scalar | 3.00 ms | 2.70 ms to 3.60 ms | 2.67 GB/s | 40% | - |"),
                text);
    }

    @Test
    void thePageNeedsNothingBesideItselfAndItsPicturesAreWellFormed() throws Exception {
        String page = new HtmlReport(ladders()).text();
        assertFalse(page.contains("<script") || page.contains("http") || page.contains("url("), page);
        assertTrue(page.contains("Some &lt;CPU&gt;"));
        Matcher svg = Pattern.compile("<svg.*?</svg>", Pattern.DOTALL).matcher(page);
        List<String> pictures = new ArrayList<>();
        while (svg.find()) {
            pictures.add(svg.group());
            DocumentBuilderFactory.newInstance().newDocumentBuilder()
                    .parse(new InputSource(new StringReader(svg.group())));
        }
        assertEquals(5, pictures.size(), "ratios, roofline, three ladders");
        pictures.forEach(picture -> assertFalse(picture.contains("NaN") || picture.contains("Infinity"), picture));
    }

    /** One rung, no baseline, no operations to count: nothing to draw but the ladder. */
    @Test
    void aReportOfOneRowIsDrawnToo() {
        Row copy = new Row("embedding", "gather", "scalar", "cpu", "fp32", "8", 1, 1, 1, null, 8.0, 0.4, null, null,
                null, 0.0,
                null, null, 0, 8e6, new double[][] {{1}}, null);
        String page = new HtmlReport(report(copy)).text();
        assertEquals(2, page.split("<svg").length, page);
    }
}
