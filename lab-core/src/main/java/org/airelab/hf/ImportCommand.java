package org.airelab.hf;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.nn.ModelConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lab import}. */
@Command(name = "import", description = {"Make a run of a model from Hugging Face's transformers.", "",
    "Reads what save_pretrained writes: config.json of a LlamaForCausalLM or GPT2LMHeadModel, model.safetensors whole"
            + " or in shards, and a byte-level BPE tokenizer. Then 'lab generate', 'lab eval' and 'lab export' take"
            + " the run."},
        footer = {"  lab import gpt2/ --out runs/gpt2",
            "  lab import llama/ --tokenizer tokenizer.json --out runs/llama"})
public final class ImportCommand implements LabCommand {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "A folder that save_pretrained wrote.")
    private Path folder;

    @Option(names = "--tokenizer", paramLabel = "FILE",
            description = "A tokenizer.json to use instead of the folder's.")
    private Path tokenizer;

    @Option(names = "--out", paramLabel = "RUN", required = true, description = "A folder that is new or empty.")
    private Path out;

    @Override
    public CommandGroup group() {
        return CommandGroup.MODELS;
    }

    @Override
    public Integer call() throws IOException {
        ModelConfig config = Importer.importModel(folder, tokenizer, out);
        spec.commandLine().getErr().println(String.format(Locale.ROOT, "Imported a model of %,d parameters to %s.",
                config.parameterCount(), out));
        return 0;
    }
}
