package org.airelab.data;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lab data}. */
@Command(name = "data", description = "Prepare text for training, and look at prepared data.",
        subcommands = {DataCommand.Prepare.class, DataCommand.Info.class, DataCommand.Verify.class,
            DataCommand.Sample.class},
        footer = {"  lab data prepare tinystories --vocab-size 4096", "  lab data sample synthetic"})
public final class DataCommand implements LabCommand {
    private static final String SPEC = "tinystories, text:PATH (a UTF-8 text file, or a folder of *.txt; documents end "
            + "at <|endoftext|>), or synthetic[:stories=N,seed=S] (stories of a grammar whose entropy is known).";

    @Override
    public CommandGroup group() {
        return CommandGroup.DATA;
    }

    /** {@code lab data prepare}. */
    @Command(name = "prepare", description = "Make token shards of text; found again when made before.",
            footer = {"  lab data prepare synthetic --vocab-size 512",
                "  lab data prepare text:train.txt --valid text:valid.txt --out shards"})
    static final class Prepare implements Callable<Integer> {
        /** One of the two, or neither. */
        static final class TokenizerOptions {
            @Option(names = "--vocab-size", paramLabel = "N",
                    description = "Learn a byte-level BPE of N tokens from the training documents (default: 4096).")
            private Long vocabularySize;

            @Option(names = "--tokenizer", paramLabel = "FILE", description = "Use this tokenizer.json.")
            private Path tokenizer;

            private TokenizerChoice choice() {
                return tokenizer == null ? new TokenizerChoice.Train(vocabularySize)
                        : new TokenizerChoice.Existing(tokenizer);
            }
        }

        private static final long DEFAULT_VOCABULARY = 4096;

        @Spec
        private CommandSpec spec;

        @Parameters(paramLabel = "SPEC", description = SPEC)
        private String data;

        @Option(names = "--valid", paramLabel = "SPEC", description = "Validation data (default: what the data's "
                + "authors set apart, else one document in " + SplitPlan.VALIDATION_ONE_IN + ").")
        private String valid;

        @ArgGroup
        private TokenizerOptions tokenizer;

        @Option(names = "--out", paramLabel = "DIR", description = "Write to this folder instead of the cache.")
        private Path out;

        @Override
        public Integer call() throws IOException {
            TokenizerChoice choice = tokenizer == null ? new TokenizerChoice.Train(DEFAULT_VOCABULARY)
                    : tokenizer.choice();
            Optional<DataSpec> validation = Optional.ofNullable(valid).map(DataSpec::parse);
            print(spec, DataPreparation.prepare(DataSpec.parse(data), validation, choice,
                    DataPreparation.defaultCacheFolder(), Optional.ofNullable(out)));
            return 0;
        }
    }

    /** {@code lab data info}. */
    @Command(name = "info", description = "Show what a prepared folder holds.", footer = "  lab data info shards")
    static final class Info implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Parameters(paramLabel = "DIR", description = "A prepared folder.")
        private Path folder;

        @Override
        public Integer call() throws IOException {
            print(spec, PreparedData.open(folder));
            return 0;
        }
    }

    /** {@code lab data verify}. */
    @Command(name = "verify", description = "Check every byte of a prepared folder against its manifest.",
            footer = "  lab data verify shards")
    static final class Verify implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Parameters(paramLabel = "DIR", description = "A prepared folder.")
        private Path folder;

        @Override
        public Integer call() throws IOException {
            DatasetVerification.verify(folder);
            print(spec, PreparedData.open(folder));
            spec.commandLine().getOut().println("every shard has the size and SHA-256 of the manifest, and "
                    + "no validation document appears in training");
            return 0;
        }
    }

    /** {@code lab data sample}. */
    @Command(name = "sample", description = "Print the first documents of some data.",
            footer = "  lab data sample synthetic:seed=7 --count 2")
    static final class Sample implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Parameters(paramLabel = "SPEC", description = SPEC)
        private String data;

        @Option(names = "--count", paramLabel = "N", defaultValue = "3",
                description = "How many (default: ${DEFAULT-VALUE}).")
        private long count;

        @Override
        public Integer call() throws IOException {
            if (count < 1) {
                throw UserError.badInput("--count is " + count + ", not 1 or more", "Give a positive number.");
            }
            PrintWriter writer = spec.commandLine().getOut();
            var documents = DataSpec.parse(data).documents(DataPreparation.defaultCacheFolder());
            try (Stream<String> stream = documents.stream()) {
                stream.limit(count).forEach(document -> {
                    writer.println(document);
                    documents.grammar().ifPresent(grammar -> writer.printf(Locale.ROOT,
                            "  (%.2f nats; %.2f expected)%n", -grammar.logProbability(document), grammar.entropy()));
                    writer.println();
                });
            }
            return 0;
        }
    }

    private static void print(CommandSpec spec, PreparedData prepared) {
        PrintWriter writer = spec.commandLine().getOut();
        DatasetManifest manifest = prepared.manifest();
        writer.println(prepared.folder());
        writer.printf(Locale.ROOT, "  data        %s%s%n", manifest.spec(),
                manifest.validationSpec() == null ? "" : ", validated on " + manifest.validationSpec());
        writer.printf(Locale.ROOT, "  tokenizer   %,d tokens, hash %s%n", manifest.vocabularySize(),
                manifest.tokenizerHash().substring(0, 12));
        for (Split split : Split.values()) {
            var part = manifest.split(split);
            writer.printf(Locale.ROOT, "  %-11s %,d documents, %,d tokens of %s in %d shard%s, %.3f bytes a token%n",
                    split, part.documents(), part.tokens(), manifest.dtype(), part.shards().size(),
                    part.shards().size() == 1 ? "" : "s", part.bytesPerToken());
        }
        writer.printf(Locale.ROOT, "  leakage     when this was prepared, none of the %,d validation documents was in "
                + "training%s%n", manifest.validation().documents(), manifest.removedFromTrain() == 0 ? ""
                : String.format(Locale.ROOT, " (%,d training documents that are validation documents were left out)",
                        manifest.removedFromTrain()));
        if (manifest.entropy() != null) {
            writer.printf(Locale.ROOT, "  entropy     floor %.4f nats a token on these validation documents "
                    + "(%.4f expected of the grammar, %.3f nats a story)%n", manifest.entropy().floor(),
                    manifest.entropy().expectedPerToken(), manifest.entropy().expectedStory());
        }
    }
}
