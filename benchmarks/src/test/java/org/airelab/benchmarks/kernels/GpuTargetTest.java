package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.airelab.base.UserError;
import org.airelab.benchmarks.kernels.gpu.Limit;
import org.airelab.benchmarks.kernels.gpu.Measured;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.benchmarks.report.Gpu;
import org.airelab.benchmarks.report.Report;
import org.airelab.benchmarks.report.Row;
import org.airelab.kernels.DType;
import org.airelab.kernels.Families;
import org.airelab.kernels.Family;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.GpuReadings;
import org.airelab.kernels.matmul.Matmul;
import org.airelab.kernels.optimizer.Adam;
import org.airelab.kernels.softmax.Softmax;
import org.junit.jupiter.api.Test;

class GpuTargetTest {
    private static GpuTarget target(int architecture) {
        return new GpuTarget(new Gpu.Model("Some GPU", architecture, 132, 80L << 30, 50L << 20, "12.6", "NVRTC 12.6"));
    }

    private static Ladder ladder(Target target, Family<?> family, String id, DType dtype) {
        return target.ladders(family, false).stream()
                .filter(ladder -> ladder.workload().id().equals(id) && ladder.dtype() == dtype).findFirst()
                .orElseThrow();
    }

    @Test
    void everyRungTheArchitectureCanRunIsMeasuredInEachOfItsTypes() {
        for (int architecture : new int[] {80, 90, 100}) {
            for (Family<?> family : Families.all()) {
                List<Ladder> ladders = target(architecture).ladders(family, false);
                for (CudaRung<?> rung : family.cudaRungs()) {
                    for (DType dtype : DType.values()) {
                        boolean runs = rung.architecture() <= architecture && rung.dtypes().contains(dtype);
                        long measured = ladders.stream()
                                .filter(l -> l.dtype() == dtype && l.kernels().contains(rung.name())).count();
                        int shapes = Workloads.of(family).size() + Workloads.large(family).size();
                        assertEquals(runs ? shapes : 0, measured, family + " " + rung.name() + " " + dtype);
                    }
                }
            }
        }
        assertFalse(ladder(target(80), Matmul.FAMILY, "matmul/multiply/4096x4096x4096", DType.BF16).kernels()
                .contains("wgmma"));
    }

    @Test
    void aQuickRunTakesSomeLargeShapesOfEachFamily() {
        for (Family<?> family : Families.all()) {
            assertTrue(Workloads.large(family).stream().anyMatch(Workload::quick), family + " has none");
            target(90).ladders(family, true).forEach(ladder -> assertTrue(ladder.workload().quick()
                    && Workloads.large(family).contains(ladder.workload()), ladder.workload().id()));
        }
    }

    @Test
    void librariesThatAreMissingAreSaidToBe() {
        assumeTrue(Measured.missing(Measured.CUBLAS).isPresent(), "SKIPPED: this machine has cuBLAS");
        Ladder ladder = ladder(target(90), Matmul.FAMILY, "matmul/multiply/4096x4096x4096", DType.FP16);
        assertNull(ladder.library());
        assertTrue(target(90).notes().contains("Not compared with cublas: libcublas.so.12 cannot be found."),
                target(90).notes().toString());
    }

    @Test
    void productsAreComparedWithCublasAndTheRestWithLibtorchInTheTypesItHas() {
        Workload<?> square = Workloads.find("matmul/multiply/4096x4096x4096");
        assertEquals(Optional.of(Measured.CUBLAS), Measured.library(square, DType.BF16));
        assertEquals("cublas: cublasGemmEx", Measured.call(square, DType.BF16));
        assertEquals("cublas: cublasSgemm", Measured.call(square, DType.FP32));
        assertEquals(Optional.of(Measured.LIBTORCH), library("softmax/forward/8192x4096", DType.FP16));
        assertEquals("libtorch: softmax", Measured.call(Workloads.find("softmax/forward/8192x4096"), DType.FP16));
        assertEquals(Optional.empty(), library("gelu/backward/8192x16384", DType.FP16), "it takes a string");
        String backward = "attention/backward/b4-t2048-h16-d64";
        assertEquals(Optional.of(Measured.LIBTORCH), library(backward, DType.FP16));
        assertEquals(Optional.empty(), library(backward, DType.FP32), "it takes a list");
        assertEquals("libtorch: scaled_dot_product_attention",
                Measured.call(Workloads.find("attention/forward/b1-t8192-h32-kv8-d128"), DType.FP32));
    }

    private static Optional<String> library(String id, DType dtype) {
        return Measured.library(Workloads.find(id), dtype);
    }

    @Test
    void aFamilyWithoutCudaRungsCannotBeMeasured() {
        Family<?> cpuOnly = new Family<>("adam", Adam.FAMILY.reference(), Adam.FAMILY.rungs());
        UserError error = assertThrows(UserError.class, () -> new Bench(target(90), Selection.of(List.of(cpuOnly)),
                true, false, List.of(Build.own())));
        assertEquals("there are no kernels of adam for Some GPU", error.getMessage());
    }

    /**
     * A fork's events of half-precision softmax with libtorch, and of the limits: 2 ms, 1 ms and 0.5 ms. The rungs have
     * a second tensor; what is given are libtorch's errors.
     */
    private static List<Task.Event> events(Task task, Task.Kind librarySample, List<Double> given) {
        List<Task.Event> events = new ArrayList<>();
        for (int i = 0; i < task.items().size(); i++) {
            boolean library = task.items().get(i).kernel().equals(Measured.LIBTORCH);
            boolean limit = task.items().get(i).kernel().equals(Task.ROOFLINE);
            events.add(Task.Event.of(i, limit ? null : library
                    ? new Accuracy.Comparison(given, 2e-4) : new Accuracy.Comparison(List.of(1e-3, 7e-3), 3e-4)));
            if (library && librarySample == Task.Kind.ABSENT) {
                events.add(new Task.Event(i, Task.Kind.ABSENT, null, "no such operator", null));
            } else {
                Task.Kind kind = library ? librarySample : Task.Kind.SAMPLE;
                events.add(new Task.Event(i, kind, library ? 1.0 : limit ? 0.5 : 2, null,
                        new GpuReadings(1500 + i, 2600, 1980, 400 + i, 50 + i, i == 0 ? 4 : 0)));
            }
        }
        return events;
    }

    private static final Ladder LADDER = new Ladder(Workloads.find("softmax/forward/8192x4096"), DType.BF16,
            List.of("naive", "block"), Measured.LIBTORCH, "libtorch: softmax");

    private static Measurements measured(Task.Kind librarySample) {
        return measured(librarySample, List.of(4e-4));
    }

    private static Measurements measured(Task.Kind librarySample, List<Double> given) {
        List<Task.Item> items = new ArrayList<>(LADDER.items());
        items.addAll(target(90).limits());
        Task task = new Task(true, items, false, 1, true, Schedule.GPU_QUICK);
        Measurements measurements = new Measurements();
        events(task, librarySample, given).forEach(event -> measurements.add(task, 0, event));
        return measurements;
    }

    @Test
    void rowsNameTheGpuAndTheType() {
        Measurements measurements = measured(Task.Kind.SAMPLE);
        Report.Roofline roofline = target(90).roofline(measurements);
        assertEquals(1e-6 * 16 * (50 << 20) / 0.5, roofline.copyGbps(), 1e-9);
        assertEquals(1e-9 * Limit.FMA.flops(90, 132) / 0.5, roofline.fmaTflops(), 1e-9);
        assertEquals(1e-9 * Limit.TENSOR.flops(90, 132) / 0.5, roofline.tensorTflops(), 1e-9);
        Row row = measurements.rows(LADDER, "Some GPU", roofline).getLast();
        assertEquals("softmax/forward/8192x4096/bf16/Some GPU/block", row.key());
        assertEquals(2 * 2.0 * 8192 * 4096, row.bytes(), "half of float32's");
        assertEquals(1e-6 * row.bytes() / 2, row.gbps(), 1e-9);
        assertEquals(row.bytes() / (1e6 * roofline.copyGbps()) / 2, row.fractionOfPeak(), 1e-9);
        assertEquals(0.5, row.ratio());
        assertEquals("libtorch: softmax", row.baseline());
        assertEquals(1e-3, row.maxError());
        assertEquals(4e-4, row.baselineMaxError());
        assertEquals(2e-4, row.rounding());
        assertEquals(List.of(), measurements.notes());
    }

    @Test
    void onlyTheTensorsThatTheLibraryGivesAreHeldAgainstItsOwn() {
        assertErrors(1e-3, 4e-4, 2e-4, measured(Task.Kind.SAMPLE, List.of(4e-4)));
        assertErrors(7e-3, 5e-4, 2e-4, measured(Task.Kind.SAMPLE, List.of(4e-4, 5e-4)));
        assertErrors(7e-3, Double.NaN, 2e-4, measured(Task.Kind.SAMPLE, List.of(4e-4, Double.NaN)));
        assertErrors(7e-3, null, null, measured(Task.Kind.SAMPLE, List.of()));
        assertErrors(7e-3, null, null, measured(Task.Kind.ABSENT, List.of(4e-4)));
    }

    private static void assertErrors(double error, Double library, Double rounding, Measurements measurements) {
        Row row = measurements.rows(LADDER, "Some GPU", target(90).roofline(measurements)).getLast();
        assertEquals(error, row.maxError());
        assertEquals(library, row.baselineMaxError());
        assertEquals(rounding, row.rounding());
    }

    @Test
    void aLibraryOutsideOfGraphsOrWithoutTheOperatorIsSaidToBe() {
        Measurements eager = measured(Task.Kind.EAGER_SAMPLE);
        assertEquals("libtorch: softmax, not in a graph",
                eager.rows(LADDER, "Some GPU", target(90).roofline(eager)).getFirst().baseline());
        Measurements absent = measured(Task.Kind.ABSENT);
        Row row = absent.rows(LADDER, "Some GPU", target(90).roofline(absent)).getFirst();
        assertNull(row.baseline());
        assertNull(row.ratio());
        assertEquals(List.of("Not compared at softmax/forward/8192x4096 in bf16 with libtorch: no such operator"),
                absent.notes());
    }

    @Test
    void readingsAreSummedUpForEachRound() {
        Gpu.Load load = target(90).gpu(measured(Task.Kind.SAMPLE)).loads().getFirst();
        assertEquals(new Gpu.Load(1500, 1503, 1980, 2600, 405, 50, 55, 100.0 / 6, List.of("power limit")), load);
    }

    @Test
    void softmaxRunsInAllTypes() {
        assertEquals(List.of(DType.FP32, DType.FP16, DType.BF16), target(80).ladders(Softmax.FAMILY, true).stream()
                .map(Ladder::dtype).distinct().toList());
    }
}
