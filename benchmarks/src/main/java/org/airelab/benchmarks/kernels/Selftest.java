package org.airelab.benchmarks.kernels;

import ai.djl.engine.Engine;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.airelab.base.Progress;
import org.airelab.base.UserError;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CompilationException;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaException;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.KernelCompiler;
import org.airelab.kernels.cuda.MissingCudaException;

/** Runs rungs on the CPU, on a GPU or on both, at small shapes, and holds them to their float64 reference. */
final class Selftest {
    /**
     * Of float32, the roundings of sums: 168 of a result of the usual size. Of a quarter of a million sums of 2048
     * products, formed one after the other, the worst was off by 8.7e-6, and rungs form longer ones in parts.
     */
    private static final double FP32_SUMS = 1e-5;
    /** The largest result of a half type, by which it may be off, is taken for at least so much. */
    private static final double LEAST_PEAK = 8;
    /** Of float32, the roundings of results: the largest may be 16 off, as a GPU's exponentials alone are 2. */
    private static final double FP32_UNIT = 0x1p-20;
    /** So much more of a GPU's naive rung, which adds a row's thousands of numbers one after the other. */
    private static final double NAIVE_SUMS = 8;
    /** Of half types: two roundings, of what is kept on the way, as a sum that is normalized is, and of the result. */
    private static final double BF16_UNIT = 0x1p-7;
    private static final double FP16_UNIT = 0x1p-10;

    private final Selection selection;
    private final String device;
    private final List<Result> results = new ArrayList<>();
    private String noGpu;

    /**
     * A rung's result at a workload.
     *
     * @param device  cpu or cuda
     * @param failure why there is none, and so its error is NaN; else null
     */
    record Result(Workload<?> workload, String kernel, String device, DType dtype, double error, double limit,
            String failure) {
        boolean passed() {
            return error <= limit;
        }

        /** What it is a result of, whatever the shape. */
        List<Object> subject() {
            return List.of(workload.family(), workload.operation(), kernel, device, dtype);
        }
    }

    /** @param device cpu, cuda, or auto for both as far as they are there */
    Selftest(Selection selection, String device) {
        this.selection = selection;
        this.device = device;
    }

    /**
     * The results of all rungs that are asked for.
     *
     * @throws UserError when there are none of them, or no GPU although it is asked for
     */
    List<Result> run() {
        try (CudaDevice gpu = device.equals("cpu") ? null : gpu()) {
            List<Ladder> cpu = device.equals("cuda") ? List.of() : cpuLadders(selection.families());
            List<Ladder> cuda = gpu == null ? List.of() : cudaLadders(selection.families(), gpu.architecture());
            selection.choose(Stream.concat(cpu.stream(), cuda.stream()).toList());
            testCpu(selection.left(cpu));
            testCuda(gpu, selection.left(cuda));
        } catch (Fault e) {
            results.add(e.result);
        } catch (MissingCudaException e) {
            missing(e);
        }
        return results;
    }

    /** Why results are of no GPU where they could have been; else null. */
    String noGpu() {
        return noGpu;
    }

    /** The first GPU; null without one where that will do. */
    private CudaDevice gpu() {
        try {
            CudaDevice gpu = CudaDevice.open(0);
            try {
                CudaRung.require(gpu);
                KernelCompiler.forDevice(gpu); // or nothing can be tested there, which is told before the CPU is
                return gpu;
            } catch (MissingCudaException e) {
                gpu.close();
                throw e;
            }
        } catch (MissingCudaException e) {
            missing(e);
            return null;
        }
    }

    private void missing(MissingCudaException e) {
        if (device.equals("cuda")) {
            throw UserError.machine(e.getMessage(), e.advice(), e);
        }
        noGpu = e.getMessage();
    }

    private static List<Workload<?>> workloads(Family<?> family) {
        return Stream.concat(Workloads.of(family).stream().filter(Workload::quick), Workloads.variants(family).stream())
                .toList();
    }

    private static List<Ladder> cpuLadders(List<Family<?>> families) {
        return ladders(families, (family, dtype) -> dtype == DType.FP32
                ? family.rungs().stream().map(Rung::name).toList() : List.of());
    }

    /** What there is to test on a GPU of an architecture, {@code 10 * major + minor}. */
    static List<Ladder> cudaLadders(List<Family<?>> families, int architecture) {
        return ladders(families, (family, dtype) -> GpuTarget.rungs(family, dtype, architecture));
    }

    private static List<Ladder> ladders(List<Family<?>> families, BiFunction<Family<?>, DType, List<String>> rungs) {
        List<Ladder> ladders = new ArrayList<>();
        for (Family<?> family : families) {
            for (Workload<?> workload : workloads(family)) {
                for (DType dtype : DType.values()) {
                    ladders.add(new Ladder(workload, dtype, rungs.apply(family, dtype), null, null));
                }
            }
        }
        ladders.removeIf(ladder -> ladder.kernels().isEmpty());
        return ladders;
    }

    private void testCpu(List<Ladder> ladders) {
        if (ladders.isEmpty()) {
            return;
        }
        Engine.getInstance();
        try (Progress progress = Progress.on("testing on the CPU", ladders.size(), "workloads")) {
            for (Ladder ladder : ladders) {
                List<float[]> reference = Accuracy.reference(ladder.workload());
                double limit = limit(ladder.dtype(), reference);
                rungs(ladder).forEach(rung -> results.add(new Result(ladder.workload(), rung.name(), "cpu",
                        ladder.dtype(), Accuracy.error(reference, Accuracy.results(ladder.workload(), rung)), limit,
                        null)));
                progress.advance(1);
            }
        }
    }

    /** The rungs of a ladder on the CPU, of the families given, which need not be the lab's of these names. */
    private Stream<? extends Rung> rungs(Ladder ladder) {
        return selection.families().stream().filter(family -> family.name().equals(ladder.workload().family()))
                .flatMap(family -> family.rungs().stream()).filter(rung -> ladder.kernels().contains(rung.name()));
    }

    private void testCuda(CudaDevice gpu, List<Ladder> ladders) {
        if (ladders.isEmpty()) {
            return;
        }
        Map<Workload<?>, List<Ladder>> workloads = ladders.stream().collect(
                Collectors.groupingBy(Ladder::workload, LinkedHashMap::new, Collectors.toList()));
        try (CudaStream stream = new CudaStream(gpu); DeviceTrials trials = new DeviceTrials(stream);
                Progress progress = Progress.on("testing on " + gpu.name(), workloads.size(), "workloads")) {
            workloads.forEach((workload, types) -> {
                List<float[]> reference = Accuracy.reference(workload);
                types.forEach(ladder -> testCuda(ladder, limit(ladder.dtype(), reference), trials));
                progress.advance(1);
            });
        }
    }

    private void testCuda(Ladder ladder, double limit, DeviceTrials trials) {
        for (String rung : ladder.kernels()) {
            double own = ladder.dtype() == DType.FP32 && rung.equals("naive") ? NAIVE_SUMS * limit : limit;
            results.add(test(ladder.workload(), rung, ladder.dtype(), own, trials));
        }
    }

    /** A rung that cannot be compiled or launched is one wrong result; after a fault on the device nothing runs. */
    private static Result test(Workload<?> workload, String rung, DType dtype, double limit, DeviceTrials trials) {
        try {
            return new Result(workload, rung, "cuda", dtype, trials.compare(workload, dtype, rung).error(), limit,
                    null);
        } catch (CompilationException | IllegalArgumentException e) {
            return new Result(workload, rung, "cuda", dtype, Double.NaN, limit, e.getMessage());
        } catch (CudaException e) {
            throw new Fault(new Result(workload, rung, "cuda", dtype, Double.NaN, limit, e.getMessage()), e);
        }
    }

    /** The result after which there are no more. */
    private static final class Fault extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient Result result;

        Fault(Result result, CudaException cause) {
            super(cause);
            this.result = result;
        }
    }

    private static double limit(DType dtype, List<float[]> reference) {
        return switch (dtype) {
            case FP32 -> Math.max(FP32_SUMS, FP32_UNIT * Accuracy.peak(reference));
            case FP16 -> FP16_UNIT * Math.max(LEAST_PEAK, Accuracy.peak(reference));
            case BF16 -> BF16_UNIT * Math.max(LEAST_PEAK, Accuracy.peak(reference));
        };
    }

}
