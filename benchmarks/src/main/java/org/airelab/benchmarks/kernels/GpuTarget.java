package org.airelab.benchmarks.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.airelab.benchmarks.kernels.gpu.Limit;
import org.airelab.benchmarks.kernels.gpu.Measured;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.benchmarks.report.Gpu;
import org.airelab.benchmarks.report.Report;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.KernelCompiler;
import org.airelab.kernels.cuda.MissingCudaException;

/** The first GPU, with cuBLAS and libtorch on the same as far as they are there. */
final class GpuTarget implements Target {
    private final Gpu.Model model;
    /** Why a library cannot be called, by its name. */
    private final TreeMap<String, String> missing = new TreeMap<>();

    GpuTarget(Gpu.Model model) {
        this.model = model;
        for (String library : List.of(Measured.CUBLAS, Measured.LIBTORCH)) {
            Measured.missing(library).ifPresent(reason -> missing.put(library, reason));
        }
    }

    /**
     * The first GPU. Its context is closed again: those who measure are other processes.
     *
     * @throws MissingCudaException without a driver, a GPU that kernels of ours run on, or a compiler for them
     */
    static GpuTarget open() {
        try (CudaDevice device = CudaDevice.open(0)) {
            CudaRung.require(device);
            return new GpuTarget(new Gpu.Model(device.name(), device.architecture(), device.multiprocessors(),
                    device.memoryBytes(), device.l2Bytes(), CudaDevice.driverVersion(),
                    KernelCompiler.forDevice(device).version()));
        }
    }

    /** The same, or nothing where something is missing. */
    static Optional<GpuTarget> find() {
        try {
            return Optional.of(open());
        } catch (MissingCudaException e) {
            return Optional.empty();
        }
    }

    @Override
    public String kind() {
        return "cuda";
    }

    @Override
    public String name() {
        return model.name();
    }

    @Override
    public int threads() {
        return Runtime.getRuntime().availableProcessors();
    }

    @Override
    public Schedule schedule(boolean quick) {
        return quick ? Schedule.GPU_QUICK : Schedule.GPU_FULL;
    }

    /** One after the other in each type; of a quick run the large shapes, which keep the device busy. */
    @Override
    public List<Ladder> ladders(Family<?> family, boolean quick) {
        List<Workload<?>> large = Workloads.large(family);
        Stream<Workload<?>> workloads = quick ? large.stream().filter(Workload::quick)
                : Stream.concat(Workloads.of(family).stream(), large.stream());
        List<Ladder> ladders = new ArrayList<>();
        workloads.forEach(workload -> {
            for (DType dtype : DType.values()) {
                ladder(family, workload, dtype).ifPresent(ladders::add);
            }
        });
        return ladders;
    }

    /** The rungs of a family that compute in an element type on an architecture, {@code 10 * major + minor}. */
    static List<String> rungs(Family<?> family, DType dtype, int architecture) {
        return family.cudaRungs().stream().filter(rung -> rung.architecture() <= architecture
                && rung.dtypes().contains(dtype)).map(CudaRung::name).toList();
    }

    private Optional<Ladder> ladder(Family<?> family, Workload<?> workload, DType dtype) {
        List<String> rungs = rungs(family, dtype, model.architecture());
        if (rungs.isEmpty()) {
            return Optional.empty();
        }
        String library = Measured.library(workload, dtype).filter(name -> !missing.containsKey(name)).orElse(null);
        return Optional.of(new Ladder(workload, dtype, rungs, library,
                library == null ? null : Measured.call(workload, dtype)));
    }

    private static Task.Item item(Limit limit) {
        return new Task.Item(limit.name(), Task.ROOFLINE);
    }

    @Override
    public List<Task.Item> limits() {
        return Stream.of(Limit.values()).map(GpuTarget::item).toList();
    }

    @Override
    public Report.Roofline roofline(Measurements measurements) {
        return new Report.Roofline(1e-6 * Limit.copiedBytes(model.l2Bytes()) / measurements.median(item(Limit.COPY)),
                tflops(Limit.FMA, measurements), tflops(Limit.TENSOR, measurements));
    }

    private double tflops(Limit limit, Measurements measurements) {
        return 1e-9 * limit.flops(model.architecture(), model.multiprocessors()) / measurements.median(item(limit));
    }

    @Override
    public Gpu gpu(Measurements measurements) {
        return new Gpu(model, measurements.gpuLoads());
    }

    @Override
    public List<String> notes() {
        return missing.entrySet().stream().map(library -> "Not compared with " + library.getKey() + ": "
                + library.getValue() + ".").toList();
    }
}
