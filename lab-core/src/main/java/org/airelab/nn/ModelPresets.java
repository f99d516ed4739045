package org.airelab.nn;

import java.util.LinkedHashMap;
import java.util.Map;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;

/**
 * Models by name: the llama2.c family (sizes of its README and of each checkpoint's header; hidden sizes by Llama's
 * rule, two thirds of 4 dim rounded up), GPT-2 small (Radford et al. 2019), and one that learns the built-in
 * stories in a minute on a laptop.
 */
public final class ModelPresets {
    private static final Map<String, ModelConfig> PRESETS = new LinkedHashMap<>();

    static {
        PRESETS.put("quickstart", llama(512, 128, 96, 4, 6, 6, 256));
        PRESETS.put("stories260k", llama(512, 512, 64, 5, 8, 4, 172));
        PRESETS.put("stories15m", llama(32_000, 256, 288, 6, 6, 6, 768));
        PRESETS.put("stories42m", llama(32_000, 1024, 512, 8, 8, 8, 1376));
        PRESETS.put("stories110m", llama(32_000, 1024, 768, 12, 12, 12, 2048));
        PRESETS.put("gpt2-124m", new ModelConfig(50_257, 1024, 768, 12, 12, 12, 3072, Norm.LAYER, NormPlacement.PRE,
                1e-5, Positions.LEARNED, 10_000, FeedForwardKind.GELU, true, true, 0));
    }

    private ModelPresets() {
    }

    private static ModelConfig llama(int vocab, int context, int dim, int layers, int heads, int kvHeads, int hidden) {
        return new ModelConfig(vocab, context, dim, layers, heads, kvHeads, hidden, Norm.RMS, NormPlacement.PRE, 1e-5,
                Positions.ROPE_HALF, 10_000, FeedForwardKind.SWIGLU, false, true, 0);
    }

    /** All presets by name, smallest first. */
    public static Map<String, ModelConfig> all() {
        return java.util.Collections.unmodifiableMap(PRESETS);
    }
}
