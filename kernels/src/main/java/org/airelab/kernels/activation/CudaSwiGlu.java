package org.airelab.kernels.activation;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;

/** {@link SwiGlu} on CUDA. */
record CudaSwiGlu(ElementSharing sharing, Launcher launcher, DType dtype) implements SwiGlu {
    private static final int RESIDENT = 4;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void forward(MemorySegment gateUp, MemorySegment y, int rows, int hidden) {
        SwiGlu.check(gateUp, y, rows, hidden, dtype);
        if (rows > 0) {
            launcher.launch(launch("swiglu_forward", rows, hidden), gateUp, y, rows, (long) hidden);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment gateUp, MemorySegment dGateUp, int rows, int hidden) {
        SwiGlu.check(dy, gateUp, dGateUp, rows, hidden, dtype);
        if (rows > 0) {
            launcher.launch(launch("swiglu_backward", rows, hidden), dy, gateUp, dGateUp, rows, (long) hidden);
        }
    }

    private Launch launch(String entry, int rows, int hidden) {
        return sharing.launch(sharing.source("activation/swiglu-", dtype), entry, rows * sharing.threads(hidden, dtype),
                RESIDENT, launcher);
    }
}
