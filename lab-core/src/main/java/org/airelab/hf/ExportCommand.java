package org.airelab.hf;

import java.io.IOException;
import java.nio.file.Path;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.model.RunOptions;
import org.airelab.model.SavedModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lab export}. */
@Command(name = "export", description = {"Write a trained model in the format of another tool.", "",
    "Format hf is a folder that Python's transformers loads with AutoModelForCausalLM and AutoTokenizer, as"
            + " LlamaForCausalLM (norm rms, rotary positions, swiglu) or GPT2LMHeadModel (norm layer, learned"
            + " positions, gelu or relu, biases)."},
        footer = {"  lab export runs/stories --format hf --out stories-hf"})
public final class ExportCommand implements LabCommand {
    /** Formats there are. */
    enum Format { hf }

    @Spec
    private CommandSpec spec;

    @Mixin
    private RunOptions run;

    @Option(names = "--format", paramLabel = "FORMAT", required = true,
            description = "One of ${COMPLETION-CANDIDATES}.")
    private Format format;

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "A folder that is new or empty.")
    private Path out;

    @Override
    public CommandGroup group() {
        return CommandGroup.MODELS;
    }

    @Override
    public Integer call() throws IOException {
        SavedModel saved = run.open(spec.commandLine().getErr());
        Architecture architecture = switch (format) {
            case hf -> Exporter.export(saved, out);
        };
        spec.commandLine().getErr().println("Exported step " + saved.checkpoint().step() + " as "
                + architecture.className() + " to " + out + ".");
        return 0;
    }
}
