package org.airelab.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.data.source.Documents;
import org.airelab.data.story.StoryGrammar;
import org.airelab.model.InferenceModel;
import org.airelab.tokenizer.Tokenizer;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;

/** Predicts texts with a model and adds up the losses. */
public final class Evaluator {
    /** Tokens of a batch: enough to keep a device busy. */
    private static final int BATCH_TOKENS = 4096;
    /** Logits in memory at a time: 64 MB of float32. */
    private static final int LOGITS = 1 << 24;

    private final InferenceModel model;
    private final int stride;

    /** Takes logits as they are computed. */
    @FunctionalInterface
    public interface LogitsSink {
        /** Rows of logits [rows, vocabulary], row-major, in the order of the tokens they predict. */
        void write(float[] logits, int offset, int length) throws IOException;
    }

    /**
     * An evaluator over a model, which the caller closes.
     *
     * @param stride how far windows are apart, 1 to the context's length; see {@link Windows}
     * @throws UserError (bad input) for another stride
     */
    public Evaluator(InferenceModel model, int stride) {
        int context = model.config().contextLength();
        if (stride < 1 || stride > context) {
            throw UserError.badInput("The stride must be between 1 and the model's context of " + context
                    + " tokens, found " + stride + ".", "Use half the context, " + Math.max(1, context / 2)
                    + ", or leave the stride out for windows side by side.");
        }
        this.model = model;
        this.stride = stride;
    }

    /**
     * Predicts documents, each followed by {@link Tokenizer#END_OF_TEXT}; the first follows one too. (A tokenizer
     * without that token leaves the very first token unpredicted.)
     *
     * @param maxTokens most tokens to predict
     * @param logits    takes the logits of every predicted token in float32, or null
     * @param progress  is told the bytes of text predicted so far
     * @throws UserError bad input when there is nothing to predict; the answer is no when the loss is not finite
     */
    public Evaluation evaluate(Documents documents, long maxTokens, LogitsSink logits, LongConsumer progress)
            throws IOException {
        long start = System.nanoTime();
        Tokenizer tokenizer = model.tokenizer();
        OptionalInt mark = tokenizer.specialId(Tokenizer.END_OF_TEXT);
        Totals totals = new Totals(logits, mark.orElse(-1));
        try (DocumentTokens tokens = new DocumentTokens(documents, tokenizer)) {
            Windows windows = new Windows(tokens, mark, model.config().contextLength(), stride, maxTokens);
            List<Windows.Window> batch = new ArrayList<>();
            for (Windows.Window next = windows.next(); next != null; next = windows.next()) {
                if (!batch.isEmpty() && !fits(batch, next)) {
                    totals.add(batch);
                    batch.clear();
                    progress.accept(totals.bytes);
                }
                batch.add(next);
            }
            if (batch.isEmpty()) {
                throw UserError.badInput("There is no token to predict.", "Give a text of at least two tokens.");
            }
            totals.add(batch);
            progress.accept(totals.bytes);
            return totals.evaluation(tokens.finished(), floor(documents, tokens, totals.tokens), start);
        }
    }

    /** Windows of a batch have one length. */
    private static boolean fits(List<Windows.Window> batch, Windows.Window next) {
        int length = next.inputs().length;
        return batch.getFirst().inputs().length == length && (batch.size() + 1) * length <= BATCH_TOKENS;
    }

    /** The mean surprisal of the documents under the distribution they are drawn from, where all were predicted. */
    private static OptionalDouble floor(Documents documents, DocumentTokens tokens, long count) throws IOException {
        if (documents.grammar().isEmpty() || !tokens.exhausted()) {
            return OptionalDouble.empty();
        }
        StoryGrammar grammar = documents.grammar().get();
        try (Stream<String> stories = documents.stream()) {
            return OptionalDouble.of(-stories.mapToDouble(grammar::logProbability).sum() / count);
        }
    }

    /** Sums over the batches so far. */
    private final class Totals {
        private final LogitsSink sink;
        private final int mark;
        private long tokens;
        private long bytes;
        private double nats;

        Totals(LogitsSink sink, int mark) {
            this.sink = sink;
            this.mark = mark;
        }

        void add(List<Windows.Window> batch) throws IOException {
            int width = model.config().dim();
            long[] inputs = batch.stream().flatMapToLong(window -> LongStream.of(window.inputs())).toArray();
            long[] targets = batch.stream().flatMapToLong(window -> LongStream.of(window.targets())).toArray();
            try (NDManager scope = model.manager().newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
                NDArray hidden = model.hidden(scope, inputs, batch.size()).reshape(new Shape(inputs.length, width));
                int rows = Math.max(1, LOGITS / model.config().vocabSize());
                for (int from = 0; from < targets.length; from += rows) {
                    add(hidden, targets, from, Math.min(rows, targets.length - from));
                }
            }
        }

        private void add(NDArray hidden, long[] targets, int from, int rows) throws IOException {
            long[] window = Arrays.copyOfRange(targets, from, from + rows);
            long scored = LongStream.of(window).filter(target -> target != Windows.IGNORED).count();
            if (scored == 0) {
                return;
            }
            try (NDManager scope = model.manager().newSubManager()) {
                NDArray part = Aten.narrow(scope, hidden, 0, from, rows);
                NDArray logits = model.logits(part);
                nats += Aten.crossEntropy(scope, logits, scope.create(window)).getFloat() * (double) scored;
                if (sink != null) {
                    write(NativeArrays.floats(logits), window);
                }
            }
            tokens += scored;
            bytes += LongStream.of(window).filter(target -> target != Windows.IGNORED && target != mark)
                    .map(target -> model.tokenizer().bytes((int) target).length).sum();
        }

        private void write(float[] logits, long[] targets) throws IOException {
            int width = model.config().vocabSize();
            for (int i = 0; i < targets.length; i++) {
                if (targets[i] != Windows.IGNORED) {
                    sink.write(logits, i * width, width);
                }
            }
        }

        Evaluation evaluation(long documents, OptionalDouble floor, long start) {
            if (!Double.isFinite(nats)) {
                throw UserError.failed("The model's loss is " + nats + ", not a finite number.",
                        "Its weights have diverged; use an earlier checkpoint.");
            }
            return new Evaluation(tokens, documents, bytes, nats, floor, (System.nanoTime() - start) / 1e9);
        }
    }
}
