package org.airelab.benchmarks.kernels;

import java.util.OptionalDouble;
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

    /** The error of an item; empty for what is too large to compare and for results of another form. */
    OptionalDouble error(Task.Item item) {
        Workload<?> asked = Workloads.find(item.workload());
        if (asked.flops() > MOST_FLOPS || asked.footprint() > MOST_BYTES) {
            return OptionalDouble.empty();
        }
        return error(asked, item.dtype(), item.kernel());
    }

    /** The error of a kernel, however long the reference takes. */
    OptionalDouble error(Workload<?> asked, DType type, String kernel) {
        if (asked != workload || type != dtype) {
            forget();
            trial = new DeviceTrial<>(asked, type);
            workload = asked;
            dtype = type;
        }
        return trial.error(stream, launcher, kernel);
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
