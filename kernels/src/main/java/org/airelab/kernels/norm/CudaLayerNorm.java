package org.airelab.kernels.norm;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.RowSharing;

/** {@link LayerNorm} on CUDA. */
record CudaLayerNorm(RowSharing sharing, Launcher launcher, DType dtype) implements LayerNorm {
    private static final String SOURCE = "norm/layer-norm-";
    private static final int MOST_THREADS = 512;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void forward(MemorySegment x, MemorySegment weight, MemorySegment bias, MemorySegment y,
            MemorySegment mean, MemorySegment rstd, int rows, int width, float eps) {
        forwardOfSum(x, null, null, weight, bias, y, mean, rstd, rows, width, eps);
    }

    @Override
    public void forwardOfSum(MemorySegment x, MemorySegment added, MemorySegment sum, MemorySegment weight,
            MemorySegment bias, MemorySegment y, MemorySegment mean, MemorySegment rstd, int rows, int width,
            float eps) {
        NormArguments.checkForward(x, weight, y, rstd, rows, width, dtype);
        NormArguments.checkSum(added, sum, rows, width, dtype);
        NormArguments.checkOptional("bias", bias, width, dtype);
        Buffers.floats("mean", mean, rows);
        if (rows > 0) {
            var source = NormArguments.source(SOURCE, sharing, dtype, added != null);
            launcher.launch(sharing.launch(source, "layer_norm_forward", dtype, rows, width, MOST_THREADS), x, added,
                    sum, weight, bias, y, mean, rstd, rows, width, eps);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment mean,
            MemorySegment rstd, MemorySegment dx, MemorySegment dWeight, MemorySegment dBias, int rows, int width) {
        backwardOfSum(dy, null, x, weight, mean, rstd, dx, dWeight, dBias, rows, width);
    }

    @Override
    public void backwardOfSum(MemorySegment dy, MemorySegment dSum, MemorySegment x, MemorySegment weight,
            MemorySegment mean, MemorySegment rstd, MemorySegment dx, MemorySegment dWeight, MemorySegment dBias,
            int rows, int width) {
        NormArguments.checkBackward(dy, x, weight, rstd, dx, dWeight, rows, width, dtype);
        NormArguments.checkOptional("dSum", dSum, (long) rows * width, dtype);
        Buffers.floats("mean", mean, rows);
        NormArguments.checkOptional("dBias", dBias, width, dtype);
        var arrays = dBias == null ? 1 : 2;
        if (rows == 0) {
            launcher.launch(RowGroups.totals(dtype, width, arrays), null, dWeight, dBias, 0, width);
            return;
        }
        var held = RowGroups.held(dtype, width);
        var ofSum = dSum != null;
        var groups = sharing == RowSharing.BLOCK ? RowGroups.of(rows, held, ofSum, launcher.multiprocessors())
                : RowGroups.of(rows, sharing);
        var bytes = groups.bytes(width);
        var partials = launcher.temporary(arrays * bytes);
        var biasPartials = dBias == null ? null : partials.asSlice(bytes, bytes);
        var source = NormArguments.source(SOURCE, sharing, dtype, ofSum);
        if (sharing == RowSharing.BLOCK) {
            launcher.launch(groups.launch(source, "layer_norm_backward", held, ofSum), dy, dSum, x, weight, mean, rstd,
                    dx, partials, biasPartials, rows, width);
        } else {
            // The parameters' gradients apart, as the rungs before block form them; dx comes last, as it may be where
            // dy was.
            launcher.launch(RowSharing.columns(SOURCE + sharing + ".cu", "layer_norm_partials", dtype, width,
                    groups.count()), dy, x, mean, rstd, partials, biasPartials, rows, width,
                    RowGroups.each(rows, sharing));
            launcher.launch(sharing.launch(source, "layer_norm_backward", dtype, rows, width, MOST_THREADS), dy, dSum,
                    x, weight, mean, rstd, dx, rows, width);
        }
        launcher.launch(RowGroups.totals(dtype, width, arrays), partials, dWeight, dBias, groups.count(), width);
    }
}
