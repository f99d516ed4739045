package org.airelab.doctor;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Locale;
import java.util.Map;

/** Loads libtorch and multiplies two matrices on the device DJL prefers. */
final class TorchTrial implements Check {
    private static final String NAME = "libtorch at work";
    private static final String ENABLES = "training";
    private static final int SIZE = 512;

    @Override
    public Finding examine(Machine machine) {
        long start = System.nanoTime();
        try {
            Engine engine = Engine.getInstance();
            Device device = engine.defaultDevice();
            double corner = corner(device);
            double seconds = (System.nanoTime() - start) / 1e9;
            if (corner != SIZE) {
                return broken(String.format(Locale.ROOT, "a product of matrices of ones gave %s instead of %d", corner,
                        SIZE));
            }
            return Finding.ok(NAME, String.format(Locale.ROOT,
                    "%s %s multiplied matrices on %s, %.1f s after the start",
                    engine.getEngineName(), engine.getVersion(), name(device), seconds), ENABLES,
                    Map.of("engine", engine.getEngineName(), "version", engine.getVersion(),
                            "device", name(device), "gpus", engine.getGpuCount(), "seconds", seconds));
        } catch (Exception | LinkageError | AssertionError e) {
            // DJL reports a library it cannot fetch or load by any of these.
            return broken("cannot be loaded: " + e);
        }
    }

    /** An element of ones[SIZE, SIZE] times ones[SIZE, SIZE]. */
    private static double corner(Device device) {
        try (NDManager manager = NDManager.newBaseManager(device); NDArray ones = manager.ones(new Shape(SIZE, SIZE))) {
            return ones.matMul(ones).getFloat(SIZE - 1, SIZE - 1);
        }
    }

    private static String name(Device device) {
        return device.isGpu() ? "cuda:" + device.getDeviceId() : "cpu";
    }

    private static Finding broken(String what) {
        return new Finding(NAME, Status.MISSING, what.lines().findFirst().orElse(""), ENABLES,
                "Remove DJL's cache (~/.djl.ai/pytorch) and try again; see the line above about libtorch.", Map.of());
    }
}
