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
 * {@code LlamaForCausalLM}: RMSNorm first, rotary positions, SwiGLU, grouped-query heads. Its rotary pairs are
 * half-split, so queries and keys of an interleaved model are reordered. Its linear layers have biases all or none
 * here; the class also knows them in attention alone.
 */
final class Llama implements Architecture {
    @Override
    public String className() {
        return "LlamaForCausalLM";
    }

    @Override
    public String modelType() {
        return "llama";
    }

    @Override
    public List<String> obstacles(ModelConfig config) {
        Obstacles obstacles = new Obstacles();
        obstacles.unless(config.norm() == Norm.RMS, "norm rms", config.norm());
        obstacles.unless(config.normPlacement() == NormPlacement.PRE, "norm_placement pre", config.normPlacement());
        obstacles.unless(config.rotary(), "positions rope_half or rope_interleaved", config.positions());
        obstacles.unless(config.feedForward() == FeedForwardKind.SWIGLU, "feed_forward swiglu", config.feedForward());
        return obstacles.list();
    }

    @Override
    public Map<String, Object> describe(ModelConfig config) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("vocab_size", config.vocabSize());
        json.put("max_position_embeddings", config.contextLength());
        json.put("hidden_size", config.dim());
        json.put("intermediate_size", config.hiddenDim());
        json.put("num_hidden_layers", config.layers());
        json.put("num_attention_heads", config.heads());
        json.put("num_key_value_heads", config.kvHeads());
        json.put("head_dim", config.headSize());
        json.put("hidden_act", "silu");
        json.put("rms_norm_eps", config.normEps());
        json.put("rope_theta", config.ropeTheta());
        json.put("rope_scaling", null);
        json.put("attention_bias", config.bias());
        json.put("mlp_bias", config.bias());
        json.put("attention_dropout", config.dropout());
        json.put("initializer_range", 0.02);
        json.put("use_cache", true);
        json.put("tie_word_embeddings", config.tieEmbeddings());
        return json;
    }

    @Override
    public ModelConfig read(ConfigJson json) {
        json.requireText("hidden_act", "silu");
        json.requireNumber("pretraining_tp", 1);
        int dim = json.integer("hidden_size", 4096);
        int heads = json.integer("num_attention_heads", 32);
        json.requireNumber("head_dim", heads == 0 ? 0 : dim / heads);
        boolean bias = json.bool("attention_bias", false);
        json.requireBool("mlp_bias", false, bias);
        ConfigJson rope = rope(json);
        return json.config(() -> new ModelConfig(json.integer("vocab_size", 32_000),
                json.integer("max_position_embeddings", 2048), dim, json.integer("num_hidden_layers", 32), heads,
                json.integer("num_key_value_heads", heads), json.integer("intermediate_size", 11_008), Norm.RMS,
                NormPlacement.PRE, json.number("rms_norm_eps", 1e-6), Positions.ROPE_HALF,
                rope.number("rope_theta", json.number("rope_theta", 10_000)), FeedForwardKind.SWIGLU, bias,
                json.bool("tie_word_embeddings", false), json.number("attention_dropout", 0)));
    }

    /** Version 5 of the library keeps rotary options in rope_parameters, earlier ones in rope_scaling. */
    private static ConfigJson rope(ConfigJson json) {
        for (String section : List.of("rope_scaling", "rope_parameters")) {
            ConfigJson rope = json.section(section);
            rope.requireText("rope_type", "default");
            rope.requireText("type", "default");
            rope.requireNumber("partial_rotary_factor", 1);
        }
        return json.section("rope_parameters");
    }

    @Override
    public String prefix() {
        return "model.";
    }

    @Override
    public boolean isBuffer(String name) {
        return name.endsWith(".rotary_emb.inv_freq");
    }

    @Override
    public List<Correspondence> tensors(ModelConfig config) {
        List<Correspondence> table = new ArrayList<>();
        int dim = config.dim();
        table.add(Correspondence.same("embedding.weight", "model.embed_tokens.weight", config.vocabSize(), dim));
        for (int i = 0; i < config.layers(); i++) {
            String ours = "layers." + i + ".";
            String theirs = "model.layers." + i + ".";
            table.add(Correspondence.same(ours + "attention_norm.weight", theirs + "input_layernorm.weight", dim,
                    VECTOR));
            linear(table, config, ours + "attention.qkv.", dim, qkv(config, theirs + "self_attn."));
            linear(table, config, ours + "attention.out.", dim,
                    List.of(Part.same(theirs + "self_attn.o_proj.", dim, dim)));
            table.add(Correspondence.same(ours + "feed_forward_norm.weight", theirs + "post_attention_layernorm.weight",
                    dim, VECTOR));
            int hidden = config.hiddenDim();
            linear(table, config, ours + "feed_forward.gate_up.", dim,
                    List.of(Part.same(theirs + "mlp.gate_proj.", hidden, dim),
                            Part.same(theirs + "mlp.up_proj.", hidden, dim)));
            linear(table, config, ours + "feed_forward.down.", hidden,
                    List.of(Part.same(theirs + "mlp.down_proj.", dim, hidden)));
        }
        table.add(Correspondence.same("head.norm.weight", "model.norm.weight", dim, VECTOR));
        if (!config.tieEmbeddings()) {
            table.add(Correspondence.same("head.weight", "lm_head.weight", config.vocabSize(), dim));
        }
        return table;
    }

    private static List<Part> qkv(ModelConfig config, String theirs) {
        long size = config.headSize();
        long pairs = config.positions() == Positions.ROPE_INTERLEAVED ? size : 0;
        return List.of(new Part(theirs + "q_proj.", config.heads() * size, config.dim(), false, pairs),
                new Part(theirs + "k_proj.", config.kvHeads() * size, config.dim(), false, pairs),
                new Part(theirs + "v_proj.", config.kvHeads() * size, config.dim(), false, 0));
    }

    /** A linear layer's weight, and its bias where there is one; names lack their last word. */
    private static void linear(List<Correspondence> table, ModelConfig config, String ours, long columns,
            List<Part> parts) {
        table.add(new Correspondence(ours + "weight", parts.stream().map(part -> new Part(part.name() + "weight",
                part.rows(), columns, false, part.interleaved())).toList()));
        if (config.bias()) {
            table.add(new Correspondence(ours + "bias", parts.stream().map(part -> new Part(part.name() + "bias",
                    part.rows(), VECTOR, false, part.interleaved())).toList()));
        }
    }
}
