package org.airelab.nn;

import java.util.Objects;

/**
 * Everything that fixes a decoder's shape and arithmetic.
 *
 * @param vocabSize     number of tokens
 * @param contextLength longest sequence in tokens
 * @param dim           width of the residual stream
 * @param layers        decoder layers
 * @param heads         query heads; divides dim
 * @param kvHeads       key and value heads; divides heads (grouped-query attention, Ainslie et al. 2023)
 * @param hiddenDim     width inside the feed-forward block
 * @param norm          kind of normalization
 * @param normPlacement before each sub-layer with one more at the end, or after each as in 2017
 * @param normEps       added to the variance
 * @param positions     how positions enter
 * @param ropeTheta     base of the rotary frequencies
 * @param feedForward   kind of feed-forward block
 * @param bias          whether linear layers have biases
 * @param tieEmbeddings whether the output matrix is the embedding (Press and Wolf 2017)
 * @param dropout       probability after embedding, attention and feed-forward, and on attention weights
 */
public record ModelConfig(int vocabSize, int contextLength, int dim, int layers, int heads, int kvHeads, int hiddenDim,
        Norm norm, NormPlacement normPlacement, double normEps, Positions positions, double ropeTheta,
        FeedForwardKind feedForward, boolean bias, boolean tieEmbeddings, double dropout) {

    /** Kind of normalization. */
    public enum Norm {
        /** Root mean square (Zhang and Sennrich 2019): a weight, no mean, no bias. */
        RMS,
        /** LayerNorm (Ba et al. 2016) with weight and bias. */
        LAYER
    }

    /** Where normalization stands. */
    public enum NormPlacement {
        /** x + f(norm(x)), and a last norm before the output (GPT-2, Llama). */
        PRE,
        /** norm(x + f(x)) (Vaswani et al. 2017, section 3.1). */
        POST
    }

    /** How positions enter. */
    public enum Positions {
        /** Rotary, pairs of neighbouring elements (Su et al. 2021, equation 34; llama2.c). */
        ROPE_INTERLEAVED,
        /** Rotary, element i paired with i + size/2 (GPT-NeoX; Hugging Face's Llama). */
        ROPE_HALF,
        /** A learned vector for every position, added to the embedding (GPT-2). */
        LEARNED,
        /** Fixed sines and cosines, added to the scaled embedding (Vaswani et al. 2017, section 3.5). */
        SINUSOIDAL
    }

    /** Kind of feed-forward block. */
    public enum FeedForwardKind {
        /** W2(SiLU(W1 x) * W3 x) (Shazeer 2020). */
        SWIGLU,
        /** W2 GELU(W1 x), GELU by its tanh approximation (Hendrycks and Gimpel 2016; GPT-2). */
        GELU,
        /** W2 max(0, W1 x) (Vaswani et al. 2017, section 3.3). */
        RELU
    }

    public ModelConfig {
        Objects.requireNonNull(norm, "norm");
        Objects.requireNonNull(normPlacement, "norm_placement");
        Objects.requireNonNull(positions, "positions");
        Objects.requireNonNull(feedForward, "feed_forward");
        atLeast("vocab_size", vocabSize, 2);
        atLeast("context_length", contextLength, 1);
        atLeast("dim", dim, 1);
        atLeast("layers", layers, 1);
        atLeast("heads", heads, 1);
        atLeast("kv_heads", kvHeads, 1);
        atLeast("hidden_dim", hiddenDim, 1);
        require(dim % heads == 0, "dim must be a multiple of heads, found dim " + dim + " and heads " + heads);
        require(heads % kvHeads == 0, "heads must be a multiple of kv_heads, found " + heads + " and " + kvHeads);
        require(!(rotary(positions) && dim / heads % 2 != 0),
                "rotary positions need an even head size, found dim / heads = " + dim / heads);
        require(positions != Positions.SINUSOIDAL || dim % 2 == 0,
                "sinusoidal positions need an even dim, found " + dim);
        require(normEps > 0 && normEps < 1, "norm_eps must be between 0 and 1, found " + normEps);
        require(ropeTheta > 1, "rope_theta must be above 1, found " + ropeTheta);
        require(dropout >= 0 && dropout < 1, "dropout must be at least 0 and below 1, found " + dropout);
    }

    private static void atLeast(String name, int value, int least) {
        require(value >= least, name + " must be at least " + least + ", found " + value);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    private static boolean rotary(Positions positions) {
        return positions == Positions.ROPE_HALF || positions == Positions.ROPE_INTERLEAVED;
    }

    /** Elements of one head. */
    public int headSize() {
        return dim / heads;
    }

    /** Elements of one packed row of queries, keys and values. */
    public int qkvDim() {
        return (heads + 2 * kvHeads) * headSize();
    }

    /** Whether positions enter by rotation. */
    public boolean rotary() {
        return rotary(positions);
    }

    /** Trained numbers; a tied output matrix counts once. */
    public long parameterCount() {
        long d = dim;
        long norms = norm == Norm.LAYER ? 2 * d : d;
        long up = (feedForward == FeedForwardKind.SWIGLU ? 2L : 1L) * hiddenDim;
        long layer = 2 * norms + d * (qkvDim() + d) + d * (up + hiddenDim)
                + (bias ? qkvDim() + d + up + d : 0);
        long embeddings = d * vocabSize * (tieEmbeddings ? 1 : 2)
                + (positions == Positions.LEARNED ? d * contextLength : 0);
        return embeddings + layers * layer + (normPlacement == NormPlacement.PRE ? norms : 0);
    }

    /** The same model for another vocabulary. */
    public ModelConfig withVocabSize(int size) {
        return new ModelConfig(size, contextLength, dim, layers, heads, kvHeads, hiddenDim, norm, normPlacement,
                normEps, positions, ropeTheta, feedForward, bias, tieEmbeddings, dropout);
    }
}
