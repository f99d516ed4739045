package org.airelab.tokenizer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.airelab.base.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lab tokenizer train}. */
@Command(name = "train", description = {"Train a byte-level BPE tokenizer on text files.",
    "Ids: the 256 bytes, the merges in their order, then the special tokens. The result does not depend on the "
        + "number of threads."},
        footer = {"  lab tokenizer train text.txt --vocab-size 512 --out tokenizer.json",
            "  lab tokenizer train *.txt --vocab-size 512 --special '<|end|>' --out t.json"})
final class TrainTokenizer implements Callable<Integer> {
    @Parameters(arity = "1..*", paramLabel = "INPUT", description = "Text files in UTF-8.")
    private List<Path> inputs;

    @Option(names = "--vocab-size", required = true, paramLabel = "N",
            description = "Number of tokens, at least 256 and the special ones.")
    private int vocabularySize;

    @Option(names = "--special", paramLabel = "TOKEN",
            description = "A special token, such as '<|endoftext|>' between documents. May be given several times.")
    private List<String> specialTokens = List.of();

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The tokenizer.json to write.")
    private Path out;

    @Option(names = "--threads", paramLabel = "N", description = "Threads that count words (default: all processors).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Override
    public Integer call() throws IOException {
        if (threads < 1) {
            throw UserError.badInput("--threads is " + threads + ", but it takes at least 1",
                    "Leave it out for the default.");
        }
        var trainer = new BpeTrainer(vocabularySize, specialTokens, threads, true);
        inputs.forEach(InputFiles::requireReadable);
        Tokenizer tokenizer = trainer.train(inputs);
        tokenizer.save(out);
        int size = tokenizer.vocabularySize();
        if (size < vocabularySize) {
            System.err.printf(Locale.ROOT, "stopped at %d tokens, not %d: the text has no further pair to merge%n",
                    size, vocabularySize);
        }
        System.out.printf(Locale.ROOT, "%s: %d tokens (256 bytes, %d merges, %d special)%n", out, size,
                size - 256 - specialTokens.size(), specialTokens.size());
        return 0;
    }
}
