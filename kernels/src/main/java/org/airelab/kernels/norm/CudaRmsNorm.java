package org.airelab.kernels.norm;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.RowSharing;

/** {@link RmsNorm} on CUDA. */
record CudaRmsNorm(RowSharing sharing, Launcher launcher, DType dtype) implements RmsNorm {
    private static final String SOURCE = "norm/rms-norm-";
    private static final int MOST_THREADS = 512;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void forward(MemorySegment x, MemorySegment weight, MemorySegment y, MemorySegment rstd,
            int rows, int width, float eps) {
        NormArguments.checkForward(x, weight, y, rstd, rows, width, dtype);
        if (rows > 0) {
            launcher.launch(sharing.launch(SOURCE, "rms_norm_forward", dtype, rows, width, MOST_THREADS), x, weight, y,
                    rstd, rows, width, eps);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment rstd,
            MemorySegment dx, MemorySegment dWeight, int rows, int width) {
        NormArguments.checkBackward(dy, x, weight, rstd, dx, dWeight, rows, width, dtype);
        if (rows == 0) {
            launcher.launch(RowGroups.totals(dtype, width, 1), null, dWeight, null, 0, width);
            return;
        }
        var held = RowGroups.held(dtype, width);
        var groups = sharing == RowSharing.BLOCK ? RowGroups.of(rows, held, launcher.multiprocessors())
                : RowGroups.of(rows, sharing);
        var partials = launcher.temporary(groups.bytes(width));
        if (sharing == RowSharing.BLOCK) {
            launcher.launch(groups.launch(SOURCE, "rms_norm_backward", dtype, held), dy, x, weight, rstd, dx, partials,
                    rows, width, groups.each());
        } else {
            // dx comes last, as it may be where dy was.
            launcher.launch(RowSharing.columns(SOURCE + sharing + ".cu", "rms_norm_partials", dtype, width,
                    groups.count()), dy, x, rstd, partials, rows, width, groups.each());
            launcher.launch(sharing.launch(SOURCE, "rms_norm_backward", dtype, rows, width, MOST_THREADS), dy, x,
                    weight, rstd, dx, rows, width);
        }
        launcher.launch(RowGroups.totals(dtype, width, 1), partials, dWeight, null, groups.count(), width);
    }
}
