package org.airelab.distributed.plan;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * GPUs by name. Peaks, memory and links are NVIDIA's, as collected with their sources by stas00/ml-engineering,
 * compute/accelerator/README.md and network/README.md (commit 744d01e); what is from elsewhere says so. The two
 * fractions are those of docs/plan.md.
 */
final class HardwareTable {
    private static final Map<String, Hardware> TABLE = new LinkedHashMap<>();
    private static final String ML_ENGINEERING = "NVIDIA's data sheets by stas00/ml-engineering (744d01e)";
    private static final double AMPERE_SUSTAINED = 0.79;
    private static final double AMPERE_ATTENTION = 0.50;
    private static final double HOPPER_SUSTAINED = 0.70;
    private static final double HOPPER_ATTENTION = 0.35;
    /** Power rises with the third power of the clock, the voltage going along: what 500 W leave of 700 W's clock. */
    private static final double CLOCK_AT_500_W = Math.cbrt(500.0 / 700);

    static {
        add(new Hardware("h100", 989, 67, HOPPER_SUSTAINED, HOPPER_ATTENTION, 132, 79.6, 3350, 450, 50,
                "InfiniBand NDR, 400 Gbit/s a GPU", ML_ENGINEERING));
        add(new Hardware("h200", 989, 67, HOPPER_SUSTAINED, HOPPER_ATTENTION, 132, 139, 4800, 450, 50,
                "InfiniBand NDR, 400 Gbit/s a GPU", ML_ENGINEERING));
        add(new Hardware("h100-96gb", 989, 67, HOPPER_SUSTAINED * CLOCK_AT_500_W, HOPPER_ATTENTION * CLOCK_AT_500_W,
                132, 95, 2400, 450, 50, "RoCE, 400 Gbit/s a GPU",
                "HBM2e, held to 500 W: pytorch/torchtitan, benchmarks/llama3_h100_202412_torchtitan.md (b5bcd76)"));
        add(new Hardware("a100", 312, 19.5, AMPERE_SUSTAINED, AMPERE_ATTENTION, 108, 80, 2039, 300, 25,
                "InfiniBand HDR, 200 Gbit/s a GPU", ML_ENGINEERING));
        add(new Hardware("a100-40gb", 312, 19.5, AMPERE_SUSTAINED, AMPERE_ATTENTION, 108, 40, 1555, 300, 25,
                "RoCE, 200 Gbit/s a GPU", ML_ENGINEERING + "; network: mosaicml/llm-foundry,"
                        + " scripts/train/benchmarking/README.md (8c8dd48)"));
    }

    private HardwareTable() {
    }

    private static void add(Hardware hardware) {
        TABLE.put(hardware.name(), hardware);
    }

    /** All of them by name. */
    static Map<String, Hardware> all() {
        return Collections.unmodifiableMap(TABLE);
    }
}
