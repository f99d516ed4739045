package org.airelab.distributed.group;

import java.util.Locale;

/**
 * What becomes of the elements that all ranks have at one place. Only float32, bfloat16, float16 and int64 are reduced.
 * The half types are summed in float32 and rounded once, to the nearest, ties to even; int64 sums wrap around. NCCL's
 * groups do NCCL's own arithmetic instead, as {@link org.airelab.distributed.group.nccl.NcclGroup} says.
 */
public enum Reduction {
    /** Their sum. */
    SUM,
    /** The largest, as {@link Math#max(float, float)} has it: NaN where one of them is NaN. */
    MAX,
    /** The smallest, as {@link Math#min(float, float)} has it. */
    MIN;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
