package org.airelab.kernels.activation;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.RowPlaces;

/** {@link SwiGlu} on CUDA. */
record CudaSwiGlu(ElementSharing sharing, Launcher launcher, DType dtype) implements SwiGlu {
    private static final int CHUNK_BYTES = 16;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void forward(MemorySegment gateUp, MemorySegment y, int rows, int hidden) {
        SwiGlu.check(gateUp, y, rows, hidden, dtype);
        if (rows > 0) {
            launch("swiglu_forward", rows, hidden, gateUp, y);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment gateUp, MemorySegment dGateUp, int rows, int hidden) {
        SwiGlu.check(dy, gateUp, dGateUp, rows, hidden, dtype);
        if (rows > 0) {
            launch("swiglu_backward", rows, hidden, dy, gateUp, dGateUp);
        }
    }

    private void launch(String entry, int rows, int hidden, Object... segments) {
        var source = sharing.source("activation/swiglu-", dtype);
        var arguments = new ArrayList<>(List.of(segments));
        arguments.add(rows);
        if (sharing == ElementSharing.NAIVE) {
            arguments.add((long) hidden);
            launcher.launch(sharing.launch(source, entry, (long) rows * hidden, dtype), arguments.toArray());
            return;
        }
        var places = RowPlaces.of(rows, Parallel.pieces((long) hidden * dtype.bytes(), CHUNK_BYTES));
        arguments.add(places.together());
        arguments.add(hidden);
        launcher.launch(places.launch(source, entry), arguments.toArray());
    }
}
