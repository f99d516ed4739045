package org.airelab.benchmarks.kernels;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.LaunchRecorder;
import org.airelab.kernels.roofline.PeakKernel;

/**
 * The CUDA sources, with their macros, that families' rungs launch on a device: all of them, but for products not each
 * tile with each transposition and epilogue at once, and for attention the usual head sizes alone.
 */
final class KernelSources {
    private KernelSources() {
    }

    /** The sources on a device of an architecture, {@code 10 * major + minor}, with so many multiprocessors. */
    static Set<KernelSource> of(List<Family<?>> families, int architecture, int multiprocessors) {
        return new LinkedHashSet<>(recorder(families, architecture, multiprocessors).sources());
    }

    /** The same, with what else their launches ask for. */
    static LaunchRecorder recorder(List<Family<?>> families, int architecture, int multiprocessors) {
        LaunchRecorder recorder = new LaunchRecorder(architecture, multiprocessors);
        for (Family<?> family : families) {
            Workloads.of(family).stream().filter(Workload::quick).forEach(workload -> record(workload, recorder));
            Workloads.variants(family).forEach(workload -> record(workload, recorder));
            Workloads.sources(family).forEach(workload -> record(workload, recorder));
        }
        return recorder;
    }

    /** Those that the device's limits are measured by. */
    static Set<KernelSource> ofLimits(int architecture, int multiprocessors) {
        LaunchRecorder recorder = new LaunchRecorder(architecture, multiprocessors);
        for (DType dtype : DType.values()) {
            PeakKernel peak = PeakKernel.of(recorder, dtype);
            peak.run(recorder.temporary(peak.bytes()));
        }
        return new LinkedHashSet<>(recorder.sources());
    }

    private static <R extends Rung> void record(Workload<R> workload, LaunchRecorder recorder) {
        for (CudaRung<R> rung : Workloads.family(workload).cudaRungs()) {
            if (rung.architecture() <= recorder.architecture()) {
                rung.dtypes().forEach(dtype -> record(workload, rung, dtype, recorder));
            }
        }
    }

    /** Records what a rung launches for a workload in an element type. */
    static <R extends Rung> void record(Workload<R> workload, CudaRung<R> rung, DType dtype, LaunchRecorder recorder) {
        workload.call().on(rung.on(recorder, dtype), memory(workload, dtype, recorder));
    }

    private static List<MemorySegment> memory(Workload<?> workload, DType dtype, LaunchRecorder recorder) {
        List<MemorySegment> memory = new ArrayList<>();
        for (Operand operand : workload.operands()) {
            memory.add(recorder.temporary(operand.bytes(dtype)));
        }
        return memory;
    }
}
