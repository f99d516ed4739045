package org.airelab.kernels.attention;

import java.util.EnumSet;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.KernelSource;

/** The CUDA ladder of {@link Attention}. */
final class CudaAttentions {
    /** bfloat16 conversions and cp.async. */
    private static final int AMPERE = 80;

    private CudaAttentions() {}

    static List<CudaRung<Attention>> rungs() {
        return List.of(
                new CudaRung<>("naive", EnumSet.allOf(DType.class), AMPERE, true, NaiveCudaAttention::new),
                new CudaRung<>("fused", EnumSet.allOf(DType.class), AMPERE, true, FusedCudaAttention::new),
                new CudaRung<>("mma", EnumSet.of(DType.FP16, DType.BF16), AMPERE, true, MmaCudaAttention::new),
                new CudaRung<>("wgmma", EnumSet.of(DType.FP16, DType.BF16), WgmmaCudaAttention.HOPPER, true,
                        WgmmaCudaAttention::new));
    }

    /** A source of this family for an element type. */
    static KernelSource source(String file, DType dtype) {
        return KernelSource.of("attention/" + file, dtype);
    }
}
