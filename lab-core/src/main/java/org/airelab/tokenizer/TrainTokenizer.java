package org.airelab.tokenizer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.airelab.base.AtomicFiles;
import org.airelab.base.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lab tokenizer train}. */
@Command(name = "train", description = {"Train a byte-level BPE tokenizer on text files.",
    "Ids: the 256 bytes, the merges in their order, then the special tokens. The result does not depend on the "
        + "number of threads."},
        footer = {"  lab tokenizer train text.txt --vocab-size 512 --out tokenizer.json",
            "  lab tokenizer train *.txt --vocab-size 512 --no-special --out bytes.json"})
final class TrainTokenizer implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "INPUT", description = "Text files in UTF-8.")
    private List<Path> inputs;

    @Option(names = "--vocab-size", required = true, paramLabel = "N",
            description = "Number of tokens, at least 256 and the special ones.")
    private int vocabularySize;

    @Option(names = "--special", paramLabel = "TOKEN", description = {"A special token instead of "
        + Tokenizer.END_OF_TEXT + ", which lab data prepare and lab pretrain need. May be given several times "
        + "(default: " + Tokenizer.END_OF_TEXT + ")."})
    private List<String> specialTokens = List.of(Tokenizer.END_OF_TEXT);

    @Option(names = "--no-special", description = "No special token at all.")
    private boolean noSpecial;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The tokenizer.json to write.")
    private Path out;

    @Option(names = "--threads", paramLabel = "N", description = "Threads that count words (default: all processors).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Override
    public Integer call() throws IOException {
        if (noSpecial && spec.commandLine().getParseResult().hasMatchedOption("--special")) {
            throw UserError.badInput("--special names a special token and --no-special wants none; both were given",
                    "Leave one of them out.");
        }
        if (threads < 1) {
            throw UserError.badInput("--threads is " + threads + ", but it takes at least 1",
                    "Leave it out for the default.");
        }
        List<String> special = noSpecial ? List.of() : specialTokens;
        var trainer = new BpeTrainer(vocabularySize, special, threads, true);
        inputs.forEach(InputFiles::requireReadable);
        AtomicFiles.requireWritable(out);
        Tokenizer tokenizer = trainer.train(inputs);
        tokenizer.save(out);
        int size = tokenizer.vocabularySize();
        if (size < vocabularySize) {
            System.err.printf(Locale.ROOT, "stopped at %d tokens, not %d: the text has no further pair to merge%n",
                    size, vocabularySize);
        }
        System.out.printf(Locale.ROOT, "%s: %d tokens (256 bytes, %d merges, %d special)%n", out, size,
                size - 256 - special.size(), special.size());
        return 0;
    }
}
