package org.airelab.tokenizer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lab tokenizer import}. */
@Command(name = "import", description = "Make a tokenizer.json of GPT-2's vocab.json and merges.txt.",
        footer = "  lab tokenizer import --vocab vocab.json --merges merges.txt --out gpt2.json")
final class ImportTokenizer implements Callable<Integer> {
    @Option(names = "--vocab", required = true, paramLabel = "FILE",
            description = "Ids by token: vocab.json or encoder.json.")
    private Path vocab;

    @Option(names = "--merges", required = true, paramLabel = "FILE",
            description = "The merges in their order: merges.txt or vocab.bpe.")
    private Path merges;

    @Option(names = "--special", paramLabel = "TOKEN", description = {"A special token; one that the vocabulary lacks "
        + "gets the next id. May be given several times (default: " + Tokenizer.END_OF_TEXT + ")."})
    private List<String> specialTokens = List.of(Tokenizer.END_OF_TEXT);

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The tokenizer.json to write.")
    private Path out;

    @Override
    public Integer call() throws IOException {
        InputFiles.requireReadable(vocab);
        InputFiles.requireReadable(merges);
        Tokenizer tokenizer = Tokenizer.load(vocab, merges, specialTokens);
        tokenizer.save(out);
        System.out.printf(Locale.ROOT, "%s: %d tokens (%d special)%n", out, tokenizer.vocabularySize(),
                tokenizer.specialTokens().size());
        return 0;
    }
}
