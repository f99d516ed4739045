package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Locale;
import org.airelab.base.Progress;
import org.airelab.nn.ModelConfig;
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
    /** The rows of a batch, where a model's own products are tall and narrow: some libraries are faster there. */
    private static final int ROWS = 2048;
    /** Enough for clocks to rise and the first runs' page faults to be over. */
    private static final double SECONDS = 0.5;

    /**
     * The best of some matrix products by libtorch, in the type a run computes in: square ones, and two of the model's.
     *
     * @param config the model whose speed is held against it
     */
    public static PeakFlops measure(NDManager parent, ScalarType type, ModelConfig config) {
        int n = parent.getDevice().isGpu() ? GPU_SIZE : CPU_SIZE;
        int[][] shapes = {{n, n, n}, {ROWS, config.qkvDim(), config.dim()}, {ROWS, config.dim(), config.hiddenDim()}};
        double best = 0;
        int runs = 0;
        for (int[] shape : shapes) {
            try (NDManager manager = parent.newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
                NDArray a = Aten.to(manager, manager.randomNormal(new Shape(shape[0], shape[2])), type);
                NDArray b = Aten.to(manager, manager.randomNormal(new Shape(shape[2], shape[1])), type);
                double flops = 2.0 * shape[0] * shape[1] * shape[2];
                for (long begin = System.nanoTime(); seconds(begin) < SECONDS / shapes.length; runs++) {
                    best = Math.max(best, flops / time(manager, a, b));
                }
            }
        }
        return new PeakFlops(best, String.format(Locale.ROOT, "%s FLOP/s, the best of %d %s matrix products on %s",
                Progress.count(best), runs, type, Devices.name(parent.getDevice())));
    }

    private static double time(NDManager manager, NDArray a, NDArray b) {
        long start = System.nanoTime();
        try (NDManager scope = manager.newSubManager()) {
            NDArray c = Aten.matmul(scope, a, b);
            // Reading one element waits for a GPU.
            Aten.to(scope, Aten.narrow(scope, c.reshape(-1), 0, 0, 1), ScalarType.FLOAT32).toFloatArray();
        }
        return seconds(start);
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }
}
