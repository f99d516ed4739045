package org.airelab.model;

import java.io.PrintWriter;
import java.nio.file.Path;
import org.airelab.torch.Devices;
import org.airelab.torch.ScalarType;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The options by which commands name a model, for picocli's {@code @Mixin}. */
public final class ModelOptions {
    /** Types a model can be used in. */
    enum Precision {
        fp32(ScalarType.FLOAT32), bf16(ScalarType.BFLOAT16);

        private final ScalarType type;

        Precision(ScalarType type) {
            this.type = type;
        }
    }

    @Parameters(paramLabel = "RUN", description = "A run's folder, written by 'lab pretrain' or 'lab import'.")
    private Path run;

    @Option(names = "--checkpoint", paramLabel = "WHICH", defaultValue = SavedModel.LATEST,
            description = "The checkpoint to use: latest (default), best, or a step's number.")
    private String checkpoint;

    @Option(names = "--device", defaultValue = "auto",
            description = "Where to compute: auto (default; a GPU where there is one), cpu, cuda or cuda:N.")
    private String device;

    @Option(names = "--precision", defaultValue = "fp32",
            description = "Types of weights and computation: ${COMPLETION-CANDIDATES} (default fp32).")
    private Precision precision;

    /** Finds the model; says on {@code err} which damaged checkpoints were passed over. */
    public SavedModel open(PrintWriter err) {
        return SavedModel.open(run, checkpoint, warning -> err.println("warning: " + warning));
    }

    /** {@link #open} and loads it. */
    public InferenceModel load(PrintWriter err) {
        SavedModel saved = open(err);
        return new InferenceModel(saved, Devices.parse(device), precision.type);
    }
}
