package org.airelab.generate;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.airelab.base.Progress;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.model.InferenceModel;
import org.airelab.model.ModelOptions;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lab generate}. */
@Command(name = "generate", description = {"Continue a text with a trained model.", "",
    "The text appears on standard output as it is written, the prompt first. It ends where the model ends the"
            + " document (<|endoftext|>) or after --max-tokens. When the model's context is full, its older half is"
            + " forgotten and the text goes on; beam search ends there."},
        footer = {"  lab generate runs/stories --prompt 'Once upon a time'",
            "  lab generate runs/stories --prompt 'Lily saw' --top-p 0.9 --samples 3",
            "  lab generate runs/stories --prompt-file letter.txt --beams 4 --max-tokens 60"})
public final class GenerateCommand implements LabCommand {
    private static final String BETWEEN_SAMPLES = "---";

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @ArgGroup
    private PromptOptions prompt = new PromptOptions();

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "256",
            description = "Most tokens to write (default ${DEFAULT-VALUE}).")
    private int maxTokens;

    @Option(names = "--temperature", paramLabel = "T", defaultValue = "1",
            description = "Below 1 more predictable, above 1 more surprising; 0 is --greedy"
                    + " (default ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(names = "--top-k", paramLabel = "K", defaultValue = "0",
            description = "Draw from the K likeliest tokens; 0 for all (default ${DEFAULT-VALUE}).")
    private int topK;

    @Option(names = "--top-p", paramLabel = "P", defaultValue = "1",
            description = "Draw from the likeliest tokens that together have probability P (default ${DEFAULT-VALUE}).")
    private double topP;

    @Option(names = "--greedy", description = "Always take the likeliest token.")
    private boolean greedy;

    @Option(names = "--beams", paramLabel = "N",
            description = "Search for the likeliest text with N beams instead of drawing one.")
    private Integer beams;

    @Option(names = "--length-penalty", paramLabel = "A", defaultValue = "1",
            description = "Beam search ranks by log probability / length^A (default ${DEFAULT-VALUE}).")
    private double lengthPenalty;

    @Option(names = "--samples", paramLabel = "N", defaultValue = "1",
            description = "How many texts to write; with --beams the N best (default ${DEFAULT-VALUE}).")
    private int samples;

    @Option(names = "--seed", paramLabel = "S", defaultValue = "0",
            description = "The same seed draws the same text; sample i uses S + i (default ${DEFAULT-VALUE}).")
    private long seed;

    @Override
    public CommandGroup group() {
        return CommandGroup.MODELS;
    }

    @Override
    public Integer call() throws IOException {
        Sampler sampler = new Sampler(greedy ? 0 : temperature, topK, topP);
        checkCounts();
        String text = prompt.read();
        try (InferenceModel loaded = model.load(err())) {
            int[] tokens = PromptOptions.tokens(loaded.tokenizer(), text);
            int context = loaded.config().contextLength();
            if (tokens.length > context) {
                err().println("warning: the prompt has " + tokens.length + " tokens, the model's context holds "
                        + context + ": only the last count");
            }
            if (beams == null) {
                sample(loaded, text, tokens, sampler);
            } else {
                search(loaded, text, tokens);
            }
        }
        return 0;
    }

    private void checkCounts() {
        atLeast("--max-tokens", maxTokens, 0);
        atLeast("--samples", samples, 1);
        if (beams != null && samples > beams) {
            throw UserError.badInput("--samples must be at most --beams, found " + samples + " and " + beams + ".",
                    "Raise --beams to " + samples + " or more.");
        }
    }

    private static void atLeast(String option, int value, int least) {
        if (value < least) {
            throw UserError.badInput(option + " must be at least " + least + ", found " + value + ".",
                    "Give a larger number.");
        }
    }

    private void sample(InferenceModel loaded, String text, int[] tokens, Sampler sampler) {
        Generator generator = new Generator(loaded);
        for (int i = 0; i < samples; i++) {
            Consumer<String> out = begin(i, text);
            Generator.Summary summary;
            try (TextStream stream = new TextStream(loaded.tokenizer(), out)) {
                summary = generator.generate(tokens, maxTokens, sampler, new SplittableRandom(seed + i),
                        stream::accept);
            }
            end();
            err().println(String.format(Locale.ROOT, "prompt: %,d tokens in %s; text: %,d tokens in %s, %s tokens/s",
                    tokens.length, Progress.duration(summary.promptSeconds()), summary.tokens(),
                    Progress.duration(summary.seconds()), Progress.count(summary.tokensPerSecond())));
        }
    }

    private void search(InferenceModel loaded, String text, int[] tokens) {
        long start = System.nanoTime();
        List<BeamSearch.Hypothesis> found = new BeamSearch(loaded, beams, lengthPenalty).search(tokens, maxTokens);
        double seconds = (System.nanoTime() - start) / 1e9;
        for (int i = 0; i < Math.min(samples, found.size()); i++) {
            BeamSearch.Hypothesis hypothesis = found.get(i);
            begin(i, text).accept(loaded.tokenizer().decode(hypothesis.tokens()));
            end();
            err().println(String.format(Locale.ROOT, "log probability %.4f, score %.4f, %,d tokens",
                    hypothesis.logProbability(), hypothesis.score(), hypothesis.tokens().length));
        }
        int longest = found.stream().mapToInt(hypothesis -> hypothesis.tokens().length).max().orElse(0);
        err().println(String.format(Locale.ROOT, "%d beams of up to %,d tokens in %s, %s tokens/s", beams, longest,
                Progress.duration(seconds), Progress.count(longest / seconds)));
    }

    private Consumer<String> begin(int sample, String text) {
        PrintWriter out = spec.commandLine().getOut();
        if (sample > 0) {
            out.println(BETWEEN_SAMPLES);
        }
        Consumer<String> flushed = piece -> {
            out.print(piece);
            out.flush();
        };
        flushed.accept(text);
        return flushed;
    }

    private void end() {
        spec.commandLine().getOut().println();
    }

    private PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
