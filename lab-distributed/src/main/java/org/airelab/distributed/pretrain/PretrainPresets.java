package org.airelab.distributed.pretrain;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.airelab.distributed.pretrain.PretrainConfig.DataSection;
import org.airelab.distributed.pretrain.PretrainConfig.RunSection;
import org.airelab.distributed.pretrain.PretrainConfig.ScheduleSection;
import org.airelab.distributed.pretrain.PretrainConfig.TrainSection;
import org.airelab.nn.ModelPresets;
import org.airelab.train.KernelChoice;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;

/**
 * Whole runs by name. The models are those of {@link ModelPresets}; tokens a step and learning rates follow
 * llama2.c's and nanoGPT's published runs, scaled to the model.
 */
public final class PretrainPresets {
    /** The run of {@code lab pretrain} without a name. */
    public static final String DEFAULT = "quickstart";

    private static final Map<String, PretrainConfig> PRESETS = new LinkedHashMap<>();

    static {
        add(DEFAULT, "synthetic", 500, 16, 1, 5e-3, 100);
        add("stories260k", "tinystories", 20_000, 8, 1, 4e-3, 500);
        add("stories15m", "tinystories", 50_000, 32, 4, 1e-3, 500);
        add("stories42m", "tinystories", 100_000, 16, 8, 7e-4, 500);
        add("stories110m", "tinystories", 100_000, 16, 16, 5e-4, 500);
        add("gpt2-124m", "tinystories", 100_000, 12, 40, 6e-4, 500);
    }

    private PretrainPresets() {
    }

    private static void add(String name, String data, long steps, int batchSize, int accumulation, double learningRate,
            long evalEvery) {
        PRESETS.put(name, new PretrainConfig(name, ModelPresets.all().get(name), new DataSection(data, "", ""),
                new TrainSection(steps, batchSize, accumulation, 1, false), OptimizerConfig.adamW(learningRate),
                new ScheduleSection(Schedule.Decay.COSINE, 0.05, 0.1),
                new RunSection("auto", Precision.FP32, KernelChoice.AUTO, evalEvery, 65_536, evalEvery, 2, 8)));
    }

    /** All presets, smallest model first. */
    public static Map<String, PretrainConfig> all() {
        return Collections.unmodifiableMap(PRESETS);
    }
}
