package org.airelab.benchmarks.kernels;

import ai.djl.engine.Engine;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.airelab.base.Progress;
import org.airelab.base.UserError;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CompilationException;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaException;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.MissingCudaException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lab selftest}. */
@Command(name = "selftest",
        description = {"Run every kernel of the lab on this machine against its float64 reference.",
            "A rung passes when its largest error, in units of the root mean square of the results, is within 1e-5 or"
                + " a millionth of the largest results, which is 16 roundings of float32, whatever is more (on a GPU a"
                + " naive rung within eight times that); in half types, within two roundings of the largest results."
                + " No rung's error is another's measure. Where libtorch has the operation, the tests hold every rung"
                + " to twice its error (those of a GPU as a CPU executes them), and to what a rung's order of summation"
                + " adds.",
            "Of the shapes of an operation the table has those that are wrong, else the one that comes closest."},
        footer = {"  lab selftest", "  lab selftest matmul attention --device cuda"})
public final class SelftestCommand implements LabCommand {
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

    @Parameters(paramLabel = "FAMILY", arity = "0..*", description = "Kernel families to test. Default: all.")
    private List<String> names = List.of();

    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "auto",
            description = "cpu, cuda, or auto: the CPU, and the first GPU where there is one."
            + " Default: ${DEFAULT-VALUE}.")
    private String device;

    @Spec
    private CommandSpec spec;

    /** Why results are of no GPU where they could have been; else null. */
    private String noGpu;

    @Override
    public CommandGroup group() {
        return CommandGroup.KERNELS;
    }

    /** A rung's result at a workload. */
    private record Result(Workload<?> workload, String kernel, String device, DType dtype, double error, double limit,
            String failure) {
        boolean passed() {
            return error <= limit;
        }

        /** What it is a result of, whatever the shape. */
        List<Object> subject() {
            return List.of(workload.family(), workload.operation(), kernel, device, dtype);
        }

        String verdict() {
            return passed() ? "" : failure == null ? "  WRONG" : "  FAILED: " + failure.lines().findFirst().orElse("");
        }
    }

    /** Prints the table; 1 when a rung is wrong. */
    @Override
    public Integer call() {
        if (!List.of("auto", "cpu", "cuda").contains(device)) {
            throw UserError.badInput("unknown device " + device + "; known are auto, cpu and cuda",
                    "Name one of them, or leave it at auto.");
        }
        return test(FamilyNames.parse(names));
    }

    /** Tests rungs, which need not be those of the lab's families of these names. */
    int test(List<Family<?>> families) {
        List<Result> results = new ArrayList<>();
        if (!device.equals("cuda")) {
            testCpu(families, results);
        }
        if (!device.equals("cpu")) {
            testCuda(families, results);
        }
        return print(results);
    }

    private static List<Workload<?>> workloads(Family<?> family) {
        return Stream.concat(Workloads.of(family).stream().filter(Workload::quick), Workloads.variants(family).stream())
                .toList();
    }

    private static void testCpu(List<Family<?>> families, List<Result> results) {
        Engine.getInstance();
        try (Progress progress = Progress.on("testing on the CPU", families.size(), "families")) {
            for (Family<?> family : families) {
                for (Workload<?> workload : workloads(family)) {
                    List<float[]> reference = Accuracy.reference(workload);
                    double limit = limit(DType.FP32, reference);
                    for (Rung rung : family.rungs()) {
                        results.add(new Result(workload, rung.name(), "cpu", DType.FP32,
                                Accuracy.error(reference, Accuracy.results(workload, rung)), limit, null));
                    }
                }
                progress.advance(1);
            }
        }
    }

    private void testCuda(List<Family<?>> families, List<Result> results) {
        try (CudaDevice gpu = open(); CudaStream stream = new CudaStream(gpu);
                DeviceTrials trials = new DeviceTrials(stream);
                Progress progress = Progress.on("testing on " + gpu.name(), families.size(), "families")) {
            for (Family<?> family : families) {
                for (Workload<?> workload : workloads(family)) {
                    testCuda(gpu, family, workload, trials, results);
                }
                progress.advance(1);
            }
        } catch (Fault e) {
            results.add(e.result);
        } catch (MissingCudaException e) {
            if (device.equals("cuda")) {
                throw UserError.machine(e.getMessage(), e.advice(), e);
            }
            noGpu = e.getMessage();
        }
    }

    private static CudaDevice open() {
        CudaDevice gpu = CudaDevice.open(0);
        try {
            CudaRung.require(gpu);
            return gpu;
        } catch (MissingCudaException e) {
            gpu.close();
            throw e;
        }
    }

    private static void testCuda(CudaDevice gpu, Family<?> family, Workload<?> workload, DeviceTrials trials,
            List<Result> results) {
        List<float[]> reference = Accuracy.reference(workload);
        for (DType dtype : DType.values()) {
            double limit = limit(dtype, reference);
            for (CudaRung<?> rung : family.cudaRungs()) {
                if (rung.architecture() <= gpu.architecture() && rung.dtypes().contains(dtype)) {
                    double own = dtype == DType.FP32 && rung.name().equals("naive") ? NAIVE_SUMS * limit : limit;
                    results.add(test(workload, rung.name(), dtype, own, trials));
                }
            }
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

    /** Those that are wrong, and of the others each kernel's with the largest part of the allowed error. */
    private static List<Result> shown(List<Result> results) {
        Map<List<Object>, Result> closest = new HashMap<>();
        for (Result r : results) {
            if (r.passed()) {
                closest.merge(r.subject(), r, (a, b) -> b.error / b.limit > a.error / a.limit ? b : a);
            }
        }
        return results.stream().filter(r -> !r.passed() || closest.get(r.subject()) == r).toList();
    }

    private int print(List<Result> results) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(Locale.ROOT, "%-14s %-16s %-19s %-10s %-5s %-5s %8s %8s%n", "family", "operation", "shape", "kernel",
                "on", "type", "error", "allowed");
        for (Result r : shown(results)) {
            out.printf(Locale.ROOT, "%-14s %-16s %-19s %-10s %-5s %-5s %8.1e %8.1e%s%n", r.workload.family(),
                    r.workload.operation(), r.workload.shape(), r.kernel, r.device, r.dtype, r.error, r.limit,
                    r.verdict());
        }
        long wrong = results.stream().filter(r -> !r.passed()).count();
        out.printf("%n%d results, %s%n", results.size(),
                wrong == 0 ? "all as exact as they should be" : wrong + " wrong");
        if (noGpu != null) {
            out.println("None is of a GPU: " + noGpu + ".");
        }
        out.flush();
        return wrong == 0 ? 0 : UserError.FAILED;
    }
}
