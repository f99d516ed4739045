package org.airelab.kernels.softmax;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.RowSharing;

/** {@link Softmax} on CUDA. */
record CudaSoftmax(RowSharing sharing, Launcher launcher, DType dtype) implements Softmax {
    private static final String SOURCE = "softmax/";
    private static final int MOST_THREADS = 512;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void forward(MemorySegment x, MemorySegment y, int rows, int width) {
        Softmax.checkForward(x, y, rows, width, dtype);
        if (rows > 0) {
            launcher.launch(sharing.launch(SOURCE, "softmax_forward", dtype, rows, width, MOST_THREADS), x, y, rows,
                    width);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment y, MemorySegment dx, int rows, int width) {
        Softmax.checkBackward(dy, y, dx, rows, width, dtype);
        if (rows > 0) {
            launcher.launch(sharing.launch(SOURCE, "softmax_backward", dtype, rows, width, MOST_THREADS), dy, y, dx,
                    rows, width);
        }
    }
}
