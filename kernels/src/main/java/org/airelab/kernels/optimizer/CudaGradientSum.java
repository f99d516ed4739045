package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launcher;

/** {@link GradientSum} on CUDA. */
record CudaGradientSum(ElementSharing sharing, Launcher launcher, DType dtype) implements GradientSum {
    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void add(MemorySegment addends, long count, MemorySegment sums) {
        GradientSum.check(addends, count, sums, dtype);
        if (count > 0) {
            launcher.launch(sharing.launch(sharing.source("optimizer/gradient-sum-", dtype), "gradient_sum", count,
                    dtype), addends, count, sums);
        }
    }
}
