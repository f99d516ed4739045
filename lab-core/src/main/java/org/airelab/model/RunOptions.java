package org.airelab.model;

import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The options by which commands name a model on disk, for picocli's {@code @Mixin}. */
public final class RunOptions {
    @Parameters(paramLabel = "RUN", description = "A run's folder, written by 'lab pretrain' or 'lab import'.")
    private Path run;

    @Option(names = "--checkpoint", paramLabel = "WHICH", defaultValue = SavedModel.LATEST,
            description = "The checkpoint to use: latest (default), best, or a step's number.")
    private String checkpoint;

    /** Finds the model; says on {@code err} which damaged checkpoints were passed over. */
    public SavedModel open(PrintWriter err) {
        return SavedModel.open(run, checkpoint, warning -> err.println("warning: " + warning));
    }
}
