package org.airelab.evaluate;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.airelab.base.AtomicFiles;
import org.airelab.base.Json;
import org.airelab.base.NpyWriter;
import org.airelab.base.Progress;
import org.airelab.base.UserError;
import org.airelab.cli.CommandGroup;
import org.airelab.cli.LabCommand;
import org.airelab.data.DataPreparation;
import org.airelab.data.DataSpec;
import org.airelab.data.source.Documents;
import org.airelab.model.InferenceModel;
import org.airelab.model.ModelOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lab eval}. */
@Command(name = "eval", description = {"Measure how well a trained model predicts a text.", "",
    "Documents are read as in training, <|endoftext|> after each, and every token's loss counts once. Windows of the"
            + " model's context lie side by side, as in training's validation, unless --stride lets them overlap. Bits"
            + " per byte compare models with different tokenizers."},
        footer = {"  lab eval runs/stories --data text:valid.txt",
            "  lab eval runs/stories --data synthetic:stories=200,seed=9 --json",
            "  lab eval runs/stories --data text:valid.txt --max-tokens 256 --logits l.npy"})
public final class EvalCommand implements LabCommand {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @Option(names = "--data", paramLabel = "SPEC", required = true, description = "tinystories (its validation part), "
            + "text:PATH (a UTF-8 text file, or a folder of *.txt), or synthetic[:stories=N,seed=S].")
    private String data;

    @Option(names = "--max-tokens", paramLabel = "N", description = "Most tokens to predict (default: all).")
    private Long maxTokens;

    @Option(names = "--stride", paramLabel = "N",
            description = "Start a window every N tokens and predict its last N (default: the context's length).")
    private Integer stride;

    @Option(names = "--logits", paramLabel = "FILE", description = "Write the logits [tokens, vocabulary] of the"
            + " predicted tokens to this .npy file, in float32; limit them with --max-tokens.")
    private Path logits;

    @Option(names = "--json", description = "Print the result as JSON.")
    private boolean json;

    @Override
    public CommandGroup group() {
        return CommandGroup.MODELS;
    }

    @Override
    public Integer call() throws IOException {
        if (maxTokens != null && maxTokens < 1) {
            throw UserError.badInput("--max-tokens must be at least 1, found " + maxTokens + ".",
                    "Give a larger number.");
        }
        if (logits != null) {
            AtomicFiles.requireWritable(logits);
        }
        Documents documents = documents();
        try (InferenceModel loaded = model.load(spec.commandLine().getErr())) {
            int context = loaded.config().contextLength();
            Evaluator evaluator = new Evaluator(loaded, stride == null ? context : stride);
            print(logits == null ? evaluate(evaluator, documents, null) : writeLogits(evaluator, documents,
                    loaded.config().vocabSize()));
        }
        return 0;
    }

    private Documents documents() throws IOException {
        DataSpec source = DataSpec.parse(data);
        Path cache = DataPreparation.defaultCacheFolder();
        Optional<Documents> apart = source.validation(cache);
        return apart.isPresent() ? apart.get() : source.documents(cache);
    }

    private Evaluation evaluate(Evaluator evaluator, Documents documents, Evaluator.LogitsSink sink)
            throws IOException {
        long most = maxTokens == null ? Long.MAX_VALUE : maxTokens;
        long bytes = maxTokens == null ? documents.bytes() : 0;
        try (Progress progress = Progress.on("evaluating", bytes, "bytes")) {
            return evaluator.evaluate(documents, most, sink, progress::update);
        }
    }

    private Evaluation writeLogits(Evaluator evaluator, Documents documents, int vocabulary) throws IOException {
        Evaluation[] evaluation = new Evaluation[1];
        AtomicFiles.write(logits, temporary -> {
            try (NpyWriter writer = NpyWriter.create(temporary, NpyWriter.Type.FLOAT32, NpyWriter.UNKNOWN_ROWS,
                    vocabulary)) {
                evaluation[0] = evaluate(evaluator, documents, writer::write);
            }
        });
        return evaluation[0];
    }

    private void print(Evaluation result) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.print(Json.pretty(values(result)));
            out.flush();
            return;
        }
        out.printf(Locale.ROOT, "loss           %.4f nats/token%s%n", result.loss(), result.floor().isPresent()
                ? String.format(Locale.ROOT, ", %.4f above the entropy floor %.4f",
                        result.loss() - result.floor().getAsDouble(), result.floor().getAsDouble()) : "");
        out.printf(Locale.ROOT, "perplexity     %.4f%n", result.perplexity());
        out.printf(Locale.ROOT, "bits per byte  %.4f%n", result.bitsPerByte());
        out.printf(Locale.ROOT, "predicted      %,d tokens, %,d documents, %,d bytes; %s tokens/s%n", result.tokens(),
                result.documents(), result.bytes(), Progress.count(result.tokens() / result.seconds()));
    }

    private static Map<String, Object> values(Evaluation result) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("loss", result.loss());
        values.put("perplexity", result.perplexity());
        values.put("bits_per_byte", result.bitsPerByte());
        if (result.floor().isPresent()) {
            values.put("entropy_floor", result.floor().getAsDouble());
        }
        values.put("tokens", result.tokens());
        values.put("documents", result.documents());
        values.put("bytes", result.bytes());
        values.put("seconds", result.seconds());
        values.put("tokens_per_second", result.tokens() / result.seconds());
        return values;
    }
}
