package org.airelab.kernels.activation;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;

/**
 * An {@link Activation} on CUDA.
 *
 * @param curve its name in {@code curves.cuh}; that of its slope ends in {@code _slope}
 */
record CudaActivation(String curve, ElementSharing sharing, Launcher launcher, DType dtype) implements Activation {
    /** Blocks that a multiprocessor holds at once, with 32 registers a thread, which every curve does with. */
    private static final int RESIDENT = 8;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void forward(MemorySegment x, MemorySegment y, long count) {
        Activation.check(x, y, count, dtype);
        if (count > 0) {
            launcher.launch(launch("activation_forward", count), x, y, count);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment dx, long count) {
        Activation.check(dy, x, dx, count, dtype);
        if (count > 0) {
            launcher.launch(launch("activation_backward", count), dy, x, dx, count);
        }
    }

    private Launch launch(String entry, long count) {
        var source = sharing.source("activation/", dtype).with("CURVE", curve).with("SLOPE", curve + "_slope")
                .with("RESIDENT", RESIDENT);
        return sharing.launch(source, entry, count, dtype);
    }
}
