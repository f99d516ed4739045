package org.airelab.tokenizer;

import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import picocli.CommandLine.Command;

/** {@code lab tokenizer}: trains tokenizers, reads those of others, and applies them to files. */
@Command(name = "tokenizer", description = "Train or import a BPE tokenizer, encode and decode text.",
        subcommands = {TrainTokenizer.class, ImportTokenizer.class, EncodeText.class, DecodeIds.class},
        footer = {"  lab tokenizer train text.txt --vocab-size 512 --out tokenizer.json",
            "  echo 'Once upon a time' | lab tokenizer encode --tokenizer tokenizer.json"})
public final class TokenizerCommand implements LabCommand {
    @Override
    public CommandGroup group() {
        return CommandGroup.DATA;
    }
}
