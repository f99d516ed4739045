package org.airelab.evaluate;

import java.util.OptionalDouble;

/**
 * How a model predicted a text.
 *
 * @param tokens    tokens predicted, ends of documents among them
 * @param documents documents predicted to their end
 * @param bytes     UTF-8 bytes of text those tokens stand for; ends of documents stand for none
 * @param nats      sum of the losses, -ln of the probability of each token
 * @param floor     mean loss of a perfect model in nats per token, where the distribution of the text is known
 * @param seconds   time it took
 */
public record Evaluation(long tokens, long documents, long bytes, double nats, OptionalDouble floor, double seconds) {
    /** Mean loss in nats per token. */
    public double loss() {
        return nats / tokens;
    }

    /** e to the mean loss: how many equally likely tokens would be as hard to guess. */
    public double perplexity() {
        return Math.exp(loss());
    }

    /** The loss in bits per byte of text: unlike the others, independent of the tokenizer. */
    public double bitsPerByte() {
        return nats / Math.log(2) / bytes;
    }
}
