package org.airelab.train;

import org.airelab.torch.ScalarType;

/** In which types a run computes; weights, gradients and optimizer state are always kept in the wide type. */
public enum Precision {
    /** All in float64: for checks by finite differences. */
    FP64(ScalarType.FLOAT64, ScalarType.FLOAT64),
    /** All in float32. */
    FP32(ScalarType.FLOAT32, ScalarType.FLOAT32),
    /** Layers in bfloat16, the rest in float32 (Kalamkar et al. 2019). */
    BF16(ScalarType.FLOAT32, ScalarType.BFLOAT16),
    /** Layers in float16 under dynamic loss scaling, the rest in float32 (Micikevicius et al. 2018). */
    FP16(ScalarType.FLOAT32, ScalarType.FLOAT16);

    private final ScalarType kept;
    private final ScalarType computed;

    Precision(ScalarType kept, ScalarType computed) {
        this.kept = kept;
        this.computed = computed;
    }

    /** The type of weights, gradients and optimizer state. */
    public ScalarType kept() {
        return kept;
    }

    /** The type layers compute in. */
    public ScalarType computed() {
        return computed;
    }
}
