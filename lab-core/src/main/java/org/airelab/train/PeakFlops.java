package org.airelab.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Locale;
import org.airelab.base.Progress;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.Devices;
import org.airelab.torch.ScalarType;

/**
 * What a device could do at best, to hold a run's speed against.
 *
 * @param flops       operations a second
 * @param description where the number is from, for people
 */
public record PeakFlops(double flops, String description) {
    private static final int CPU_SIZE = 1024;
    private static final int GPU_SIZE = 8192;
    /** Enough for clocks to rise and the first runs' page faults to be over. */
    private static final double SECONDS = 0.5;

    /** The best of some square matrix products by libtorch, in the type a run computes in. */
    public static PeakFlops measure(NDManager parent, ScalarType type) {
        boolean gpu = parent.getDevice().isGpu();
        int n = gpu ? GPU_SIZE : CPU_SIZE;
        try (NDManager manager = parent.newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            NDArray a = Aten.to(manager, manager.randomNormal(new Shape(n, n)), type);
            double best = Double.MAX_VALUE;
            int runs = 0;
            for (long begin = System.nanoTime(); (System.nanoTime() - begin) / 1e9 < SECONDS; runs++) {
                long start = System.nanoTime();
                try (NDManager scope = manager.newSubManager()) {
                    NDArray c = Aten.matmul(scope, a, a);
                    // Reading one element waits for a GPU.
                    Aten.to(scope, Aten.narrow(scope, c.reshape(-1), 0, 0, 1), ScalarType.FLOAT32).toFloatArray();
                }
                best = Math.min(best, (System.nanoTime() - start) / 1e9);
            }
            double flops = 2.0 * n * n * n / best;
            Device device = parent.getDevice();
            return new PeakFlops(flops, String.format(Locale.ROOT, "%s FLOP/s, the best of %d %s matrix products of"
                    + " size %d on %s", Progress.count(flops), runs, type, n, Devices.name(device)));
        }
    }
}
