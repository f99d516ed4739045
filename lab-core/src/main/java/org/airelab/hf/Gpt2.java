package org.airelab.hf;

import static org.airelab.hf.Correspondence.VECTOR;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.airelab.hf.Correspondence.Part;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;

/**
 * {@code GPT2LMHeadModel}: LayerNorm first, learned positions, GELU (its tanh approximation) or ReLU, biases. Its
 * linear layers are {@code Conv1D}s, which keep their matrices transposed.
 */
final class Gpt2 implements Architecture {
    private static final String GELU = "gelu_new";
    private static final String RELU = "relu";

    @Override
    public String className() {
        return "GPT2LMHeadModel";
    }

    @Override
    public String modelType() {
        return "gpt2";
    }

    @Override
    public List<String> obstacles(ModelConfig config) {
        Obstacles obstacles = new Obstacles();
        obstacles.unless(config.norm() == Norm.LAYER, "norm layer", config.norm());
        obstacles.unless(config.normPlacement() == NormPlacement.PRE, "norm_placement pre", config.normPlacement());
        obstacles.unless(config.positions() == Positions.LEARNED, "positions learned", config.positions());
        obstacles.unless(config.feedForward() != FeedForwardKind.SWIGLU, "feed_forward gelu or relu",
                config.feedForward());
        obstacles.unless(config.kvHeads() == config.heads(), "kv_heads equal to heads, " + config.heads(),
                config.kvHeads());
        obstacles.unless(config.bias(), "bias true", config.bias());
        return obstacles.list();
    }

    @Override
    public Map<String, Object> describe(ModelConfig config) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("vocab_size", config.vocabSize());
        json.put("n_positions", config.contextLength());
        json.put("n_embd", config.dim());
        json.put("n_inner", config.hiddenDim());
        json.put("n_layer", config.layers());
        json.put("n_head", config.heads());
        json.put("activation_function", config.feedForward() == FeedForwardKind.GELU ? GELU : RELU);
        json.put("layer_norm_epsilon", config.normEps());
        json.put("resid_pdrop", config.dropout());
        json.put("embd_pdrop", config.dropout());
        json.put("attn_pdrop", config.dropout());
        json.put("initializer_range", 0.02);
        json.put("use_cache", true);
        json.put("tie_word_embeddings", config.tieEmbeddings());
        return json;
    }

    @Override
    public ModelConfig read(ConfigJson json) {
        String activation = json.requireText("activation_function", GELU, RELU);
        json.requireBool("scale_attn_weights", true, true);
        json.requireBool("scale_attn_by_inverse_layer_idx", false, false);
        json.requireBool("add_cross_attention", false, false);
        int dim = json.integer("n_embd", 768);
        int heads = json.integer("n_head", 12);
        return json.config(() -> new ModelConfig(json.integer("vocab_size", 50_257), json.integer("n_positions", 1024),
                dim, json.integer("n_layer", 12), heads, heads, json.integer("n_inner", 4 * dim), Norm.LAYER,
                NormPlacement.PRE, json.number("layer_norm_epsilon", 1e-5), Positions.LEARNED, 10_000,
                activation.equals(GELU) ? FeedForwardKind.GELU : FeedForwardKind.RELU, true,
                json.bool("tie_word_embeddings", true), json.number("resid_pdrop", 0.1)));
    }

    @Override
    public String prefix() {
        return "transformer.";
    }

    @Override
    public boolean isBuffer(String name) {
        return name.endsWith(".attn.bias") || name.endsWith(".attn.masked_bias");
    }

    @Override
    public List<Correspondence> tensors(ModelConfig config) {
        List<Correspondence> table = new ArrayList<>();
        int dim = config.dim();
        int hidden = config.hiddenDim();
        table.add(Correspondence.same("embedding.weight", "transformer.wte.weight", config.vocabSize(), dim));
        table.add(Correspondence.same("embedding.positions", "transformer.wpe.weight", config.contextLength(), dim));
        for (int i = 0; i < config.layers(); i++) {
            String ours = "layers." + i + ".";
            String theirs = "transformer.h." + i + ".";
            norm(table, ours + "attention_norm.", theirs + "ln_1.", dim);
            linear(table, ours + "attention.qkv.", theirs + "attn.c_attn.", config.qkvDim(), dim);
            linear(table, ours + "attention.out.", theirs + "attn.c_proj.", dim, dim);
            norm(table, ours + "feed_forward_norm.", theirs + "ln_2.", dim);
            linear(table, ours + "feed_forward.up.", theirs + "mlp.c_fc.", hidden, dim);
            linear(table, ours + "feed_forward.down.", theirs + "mlp.c_proj.", dim, hidden);
        }
        norm(table, "head.norm.", "transformer.ln_f.", dim);
        if (!config.tieEmbeddings()) {
            table.add(Correspondence.same("head.weight", "lm_head.weight", config.vocabSize(), dim));
        }
        return table;
    }

    private static void norm(List<Correspondence> table, String ours, String theirs, long dim) {
        table.add(Correspondence.same(ours + "weight", theirs + "weight", dim, VECTOR));
        table.add(Correspondence.same(ours + "bias", theirs + "bias", dim, VECTOR));
    }

    private static void linear(List<Correspondence> table, String ours, String theirs, long out, long in) {
        table.add(new Correspondence(ours + "weight", List.of(new Part(theirs + "weight", out, in, true, 0))));
        table.add(Correspondence.same(ours + "bias", theirs + "bias", out, VECTOR));
    }
}
