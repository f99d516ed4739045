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
        forwardOfSum(x, null, null, weight, y, rstd, rows, width, eps);
    }

    @Override
    public void forwardOfSum(MemorySegment x, MemorySegment added, MemorySegment sum, MemorySegment weight,
            MemorySegment y, MemorySegment rstd, int rows, int width, float eps) {
        NormArguments.checkForward(x, weight, y, rstd, rows, width, dtype);
        NormArguments.checkSum(added, sum, rows, width, dtype);
        if (rows > 0) {
            var source = NormArguments.source(SOURCE, sharing, dtype, added != null);
            launcher.launch(sharing.launch(source, "rms_norm_forward", dtype, rows, width, MOST_THREADS), x, added, sum,
                    weight, y, rstd, rows, width, eps);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment rstd,
            MemorySegment dx, MemorySegment dWeight, int rows, int width) {
        backwardOfSum(dy, null, x, weight, rstd, dx, dWeight, rows, width);
    }

    @Override
    public void backwardOfSum(MemorySegment dy, MemorySegment dSum, MemorySegment x, MemorySegment weight,
            MemorySegment rstd, MemorySegment dx, MemorySegment dWeight, int rows, int width) {
        NormArguments.checkBackward(dy, x, weight, rstd, dx, dWeight, rows, width, dtype);
        NormArguments.checkOptional("dSum", dSum, (long) rows * width, dtype);
        if (rows == 0) {
            launcher.launch(RowGroups.totals(dtype, width, 1), null, dWeight, null, 0, width);
            return;
        }
        var held = RowGroups.held(dtype, width);
        var ofSum = dSum != null;
        var groups = sharing == RowSharing.BLOCK ? RowGroups.of(rows, held, ofSum, launcher.multiprocessors())
                : RowGroups.of(rows, sharing);
        var partials = launcher.temporary(groups.bytes(width));
        var source = NormArguments.source(SOURCE, sharing, dtype, ofSum);
        if (sharing == RowSharing.BLOCK) {
            launcher.launch(groups.launch(source, "rms_norm_backward", held, ofSum), dy, dSum, x, weight, rstd, dx,
                    partials, rows, width);
        } else {
            // dx comes last, as it may be where dy was.
            launcher.launch(RowSharing.columns(SOURCE + sharing + ".cu", "rms_norm_partials", dtype, width,
                    groups.count()), dy, x, rstd, partials, rows, width, RowGroups.each(rows, sharing));
            launcher.launch(sharing.launch(source, "rms_norm_backward", dtype, rows, width, MOST_THREADS), dy, dSum, x,
                    weight, rstd, dx, rows, width);
        }
        launcher.launch(RowGroups.totals(dtype, width, 1), partials, dWeight, null, groups.count(), width);
    }
}
