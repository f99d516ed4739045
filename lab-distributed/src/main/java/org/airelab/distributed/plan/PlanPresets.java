package org.airelab.distributed.plan;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.airelab.distributed.pretrain.PretrainConfig;
import org.airelab.distributed.pretrain.PretrainConfig.RunSection;
import org.airelab.distributed.pretrain.PretrainConfig.TrainSection;
import org.airelab.distributed.pretrain.PretrainPresets;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.train.Precision;

/**
 * Runs by name: those of {@link PretrainPresets}, and published models that this lab is too small for. Shapes: Llama 2
 * and 3 as in pytorch/torchtitan (torchtitan/models/llama, commits 395a526 and 9dec370), GPT-2 and GPT-3 as in their
 * papers, SmolLM as in its config.json, MPT as in mosaicml/llm-foundry (scripts/train/yamls/pretrain, 8c8dd48; its
 * ALiBi counted as learned positions), Megatron's as in NVIDIA/Megatron-LM (images/model_table.png, f2e5db4) and
 * calculon-ai/calculon (models, caa4b11), Nemotron-4 as in NVIDIA/dgxc-benchmarking (nemotron/README.md, 85380ff).
 */
final class PlanPresets {
    private static final Map<String, ModelConfig> MODELS = new LinkedHashMap<>();
    private static final int MEGABATCH = 1 << 20;

    static {
        MODELS.put("gpt2-350m", gpt(50_257, 1024, 1024, 24, 16));
        MODELS.put("gpt2-774m", gpt(50_257, 1024, 1280, 36, 20));
        MODELS.put("gpt2-1558m", gpt(50_257, 1024, 1600, 48, 25));
        MODELS.put("gpt3-175b", gpt(51_200, 2048, 12_288, 96, 96));
        MODELS.put("smollm-1.7b", llama(49_152, 2048, 2048, 24, 32, 32, 8192, true));
        MODELS.put("llama2-7b", llama(32_000, 4096, 4096, 32, 32, 32, 11_008, false));
        MODELS.put("llama2-13b", llama(32_000, 4096, 5120, 40, 40, 40, 13_824, false));
        MODELS.put("llama2-70b", llama(32_000, 4096, 8192, 80, 64, 8, 28_672, false));
        MODELS.put("llama3-8b", llama(128_256, 8192, 4096, 32, 32, 8, 14_336, false));
        MODELS.put("llama3-70b", llama(128_256, 8192, 8192, 80, 64, 8, 28_672, false));
        MODELS.put("llama3-405b", llama(128_256, 8192, 16_384, 126, 128, 8, 53_248, false));
        MODELS.put("mpt-125m", mpt(768, 12, 12));
        MODELS.put("mpt-760m", mpt(1536, 24, 12));
        MODELS.put("mpt-1b", mpt(2048, 24, 16));
        MODELS.put("mpt-3b", mpt(2560, 32, 20));
        MODELS.put("mpt-7b", mpt(4096, 32, 32));
        MODELS.put("mpt-13b", mpt(5120, 40, 40));
        MODELS.put("mpt-30b", mpt(7168, 48, 56));
        MODELS.put("mpt-70b", mpt(8192, 80, 64));
        MODELS.put("megatron-1.7b", megatron(2048, 24, 16));
        MODELS.put("megatron-7.1b", megatron(4096, 30, 32));
        MODELS.put("megatron-16b", megatron(6144, 32, 48));
        MODELS.put("megatron-32b", megatron(7168, 48, 56));
        MODELS.put("megatron-22b", gpt(51_200, 2048, 6144, 48, 64));
        MODELS.put("megatron-530b", gpt(51_200, 2048, 20_480, 105, 128));
        MODELS.put("megatron-1t", gpt(51_200, 2048, 25_600, 128, 160));
        MODELS.put("nemotron4-15b", new ModelConfig(256_000, 4096, 6144, 32, 48, 8, 24_576, Norm.LAYER,
                NormPlacement.PRE, 1e-5, Positions.ROPE_HALF, 10_000, FeedForwardKind.RELU, false, false, 0));
    }

    private PlanPresets() {
    }

    private static ModelConfig gpt(int vocab, int context, int dim, int layers, int heads) {
        return gpt(vocab, context, dim, layers, heads, true, true);
    }

    private static ModelConfig mpt(int dim, int layers, int heads) {
        return gpt(50_368, 2048, dim, layers, heads, false, true);
    }

    private static ModelConfig megatron(int dim, int layers, int heads) {
        return gpt(131_072, 4096, dim, layers, heads, false, false);
    }

    private static ModelConfig gpt(int vocab, int context, int dim, int layers, int heads, boolean bias, boolean tied) {
        return new ModelConfig(vocab, context, dim, layers, heads, heads, 4 * dim, Norm.LAYER, NormPlacement.PRE, 1e-5,
                Positions.LEARNED, 10_000, FeedForwardKind.GELU, bias, tied, 0);
    }

    private static ModelConfig llama(int vocab, int context, int dim, int layers, int heads, int kvHeads, int hidden,
            boolean tied) {
        return new ModelConfig(vocab, context, dim, layers, heads, kvHeads, hidden, Norm.RMS, NormPlacement.PRE, 1e-5,
                Positions.ROPE_HALF, 500_000, FeedForwardKind.SWIGLU, false, tied, 0);
    }

    /** All runs by name; the published models with a million tokens a step, a sequence a pass, in bfloat16. */
    static Map<String, PretrainConfig> all() {
        Map<String, PretrainConfig> all = new LinkedHashMap<>(PretrainPresets.all());
        PretrainConfig rest = all.get(PretrainPresets.DEFAULT);
        MODELS.forEach((name, model) -> all.put(name, new PretrainConfig(name, model, rest.data(),
                new TrainSection(rest.train().steps(), 1, MEGABATCH / model.contextLength(), 1, false),
                rest.optimizer(), rest.schedule(), bfloat16(rest.run()))));
        return Collections.unmodifiableMap(all);
    }

    private static RunSection bfloat16(RunSection run) {
        return new RunSection(run.device(), Precision.BF16, run.kernels(), run.evalEvery(), run.evalTokens(),
                run.checkpointEvery(), run.keepCheckpoints(), run.divergenceScore());
    }
}
