package org.airelab.benchmarks.kernels.gpu;

import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.Launcher;

/** Calls of one of our rungs. */
final class KernelWork<R extends Rung> implements Work {
    private final Workload<R> workload;
    private final R rung;
    private final DeviceMemory memory;

    KernelWork(Workload<R> workload, R rung, DeviceMemory memory) {
        this.workload = workload;
        this.rung = rung;
        this.memory = memory;
    }

    /** The rung of a name; there may be several, each for other types. */
    static <R extends Rung> R rung(Workload<R> workload, String name, DType dtype, Launcher launcher) {
        return Workloads.family(workload).cudaRungs().stream()
                .filter(rung -> rung.name().equals(name) && rung.dtypes().contains(dtype)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("expected a CUDA rung of " + workload.family() + " in "
                        + dtype + " among " + Workloads.family(workload).cudaRungs().stream().map(CudaRung::name)
                        .toList() + ", found " + name)).on(launcher, dtype);
    }

    /** Makes inputs out of others, in each copy, with the ladder's highest rung that the device can run. */
    static <R extends Rung> void prepare(Workload<R> workload, DType dtype, DeviceMemory memory, Launcher launcher) {
        if (workload.preparation() != null) {
            R rung = Workloads.family(workload).fastest(launcher, dtype);
            for (int copy = 0; copy < memory.count(); copy++) {
                workload.preparation().on(rung, memory.copy(copy));
            }
        }
    }

    @Override
    public int copies() {
        return memory.count();
    }

    @Override
    public void call(int copy) {
        workload.call().on(rung, memory.copy(copy));
    }
}
