package org.airelab.generate;

import java.util.OptionalInt;
import java.util.function.IntConsumer;
import java.util.random.RandomGenerator;
import org.airelab.model.InferenceModel;
import org.airelab.tokenizer.Tokenizer;

/** Continues a text token by token, until the model ends the document or enough tokens have come. */
public final class Generator {
    private final InferenceModel model;
    private final OptionalInt end;

    /** A generator over a model, which the caller closes. */
    public Generator(InferenceModel model) {
        this.model = model;
        this.end = model.tokenizer().specialId(Tokenizer.END_OF_TEXT);
    }

    /**
     * What a generation did.
     *
     * @param tokens        tokens handed out
     * @param ended         whether the model ended the document before the limit
     * @param promptSeconds time to read the prompt, which gives the first token
     * @param seconds       time for all tokens after it
     */
    public record Summary(long tokens, boolean ended, double promptSeconds, double seconds) {
        /** Tokens per second after the prompt; 0 when the prompt alone was read. */
        public double tokensPerSecond() {
            // The prompt gives the first token, and what ended the document was drawn too.
            long drawn = ended ? tokens : tokens - 1;
            return drawn > 0 ? drawn / seconds : 0;
        }
    }

    /**
     * Generates.
     *
     * @param prompt    tokens to continue, at least one; when there are more than the context holds, the last count
     * @param maxTokens most tokens to generate; any number, since the context slides (see {@link ContextWindow})
     * @param sink      gets every token as soon as it is drawn, but not {@link Tokenizer#END_OF_TEXT}
     */
    public Summary generate(int[] prompt, long maxTokens, Sampler sampler, RandomGenerator random, IntConsumer sink) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("expected a prompt of at least one token, found none");
        }
        try (ContextWindow context = new ContextWindow(model)) {
            long start = System.nanoTime();
            float[] logits = maxTokens > 0 ? context.start(prompt) : null;
            long read = System.nanoTime();
            boolean ended = false;
            long count = 0;
            while (count < maxTokens && !ended) {
                int token = sampler.draw(logits, random);
                ended = end.isPresent() && token == end.getAsInt();
                if (!ended) {
                    sink.accept(token);
                    count++;
                    logits = count < maxTokens ? context.append(token) : null;
                }
            }
            return new Summary(count, ended, (read - start) / 1e9, (System.nanoTime() - read) / 1e9);
        }
    }
}
