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
        NormArguments.checkForward(x, weight, y, rstd, rows, width, dtype);
        NormArguments.checkOptional("bias", bias, width, dtype);
        Buffers.floats("mean", mean, rows);
        if (rows > 0) {
            launcher.launch(sharing.launch(SOURCE, "layer_norm_forward", dtype, rows, width, MOST_THREADS), x, weight,
                    bias, y, mean, rstd, rows, width, eps);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment mean,
            MemorySegment rstd, MemorySegment dx, MemorySegment dWeight, MemorySegment dBias, int rows, int width) {
        NormArguments.checkBackward(dy, x, weight, rstd, dx, dWeight, rows, width, dtype);
        Buffers.floats("mean", mean, rows);
        NormArguments.checkOptional("dBias", dBias, width, dtype);
        var arrays = dBias == null ? 1 : 2;
        if (rows == 0) {
            launcher.launch(RowGroups.totals(dtype, width, arrays), null, dWeight, dBias, 0, width);
            return;
        }
        var held = RowGroups.held(dtype, width);
        var groups = sharing == RowSharing.BLOCK ? RowGroups.of(rows, held, launcher.multiprocessors())
                : RowGroups.of(rows, sharing);
        var bytes = groups.bytes(width);
        var partials = launcher.temporary(arrays * bytes);
        var biasPartials = dBias == null ? null : partials.asSlice(bytes, bytes);
        if (sharing == RowSharing.BLOCK) {
            launcher.launch(groups.launch(SOURCE, "layer_norm_backward", dtype, held), dy, x, weight, mean, rstd, dx,
                    partials, biasPartials, rows, width, groups.each());
        } else {
            inTwo(dy, x, weight, mean, rstd, dx, partials, biasPartials, rows, width, groups);
        }
        launcher.launch(RowGroups.totals(dtype, width, arrays), partials, dWeight, dBias, groups.count(), width);
    }

    /** The parameters' gradients and dx apart, as the rungs before block form them. */
    private void inTwo(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment mean, MemorySegment rstd,
            MemorySegment dx, MemorySegment weightPartials, MemorySegment biasPartials, int rows, int width,
            RowGroups groups) {
        // dx comes last, as it may be where dy was.
        launcher.launch(RowSharing.columns(SOURCE + sharing + ".cu", "layer_norm_partials", dtype, width,
                groups.count()), dy, x, mean, rstd, weightPartials, biasPartials, rows, width, groups.each());
        launcher.launch(sharing.launch(SOURCE, "layer_norm_backward", dtype, rows, width, MOST_THREADS), dy, x, weight,
                mean, rstd, dx, rows, width);
    }
}
