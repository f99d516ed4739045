package org.airelab.model;

import ai.djl.Device;
import java.io.PrintWriter;
import org.airelab.torch.Devices;
import org.airelab.torch.ScalarType;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options by which commands name a model and load it, for picocli's {@code @Mixin}. */
public final class ModelOptions {
    /** Types a model can be used in. */
    enum Precision {
        fp32(ScalarType.FLOAT32), bf16(ScalarType.BFLOAT16), fp16(ScalarType.FLOAT16);

        private final ScalarType type;

        Precision(ScalarType type) {
            this.type = type;
        }
    }

    @Mixin
    private RunOptions run;

    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "auto",
            description = "Where to compute: auto (default; a GPU where there is one), cpu, cuda or cuda:N.")
    private String device;

    @Option(names = "--precision", paramLabel = "P", defaultValue = "fp32",
            description = "Types of weights and computation: ${COMPLETION-CANDIDATES} (default fp32).")
    private Precision precision;

    /** Finds the model and loads it; says on {@code err} which damaged checkpoints were passed over. */
    public InferenceModel load(PrintWriter err) {
        Device where = Devices.parse(device);
        return new InferenceModel(run.open(err), where, precision.type);
    }
}
