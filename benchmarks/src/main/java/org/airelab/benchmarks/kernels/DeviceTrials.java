package org.airelab.benchmarks.kernels;

import java.util.Optional;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaLauncher;
import org.airelab.kernels.cuda.CudaStream;

/** Trials on a GPU, one after the other; kernels of one workload and type in a row share the reference's results. */
final class DeviceTrials implements AutoCloseable {
    /** Beyond, the float64 reference takes too long, or its results too much of Java's heap. */
    private static final double MOST_FLOPS = 5e9;
    private static final long MOST_BYTES = 128L << 20;

    private final CudaStream stream;
    private final CudaLauncher launcher;
    private Workload<?> workload;
    private DType dtype;
    private DeviceTrial<?> trial;

    /** Trials on a stream, which stays the caller's. */
    DeviceTrials(CudaStream stream) {
        this.stream = stream;
        launcher = new CudaLauncher(stream);
    }

    /** An item's results beside the reference's; empty for what is too large to compare. */
    Optional<Accuracy.Comparison> compare(Task.Item item) {
        Workload<?> asked = Workloads.find(item.workload());
        if (asked.flops() > MOST_FLOPS || asked.footprint() > MOST_BYTES) {
            return Optional.empty();
        }
        return Optional.of(compare(asked, item.dtype(), item.kernel()));
    }

    /** A kernel's results beside the reference's, however long that takes. */
    Accuracy.Comparison compare(Workload<?> asked, DType type, String kernel) {
        if (asked != workload || type != dtype) {
            forget();
            trial = new DeviceTrial<>(asked, type);
            workload = asked;
            dtype = type;
        }
        return trial.compare(stream, launcher, kernel);
    }

    private void forget() {
        if (trial != null) {
            trial.close();
            workload = null;
            trial = null;
        }
    }

    @Override
    public void close() {
        forget();
        launcher.close();
    }
}
