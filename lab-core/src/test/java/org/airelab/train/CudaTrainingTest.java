package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.airelab.data.TokenBatch;
import org.airelab.kernels.cuda.CudaResource;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.Devices;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.MethodSource;

/** Training on a GPU is the training of the CPU, to rounding. */
@Tag("gpu")
class CudaTrainingTest {
    private static final int STEPS = 20;

    static Stream<ModelConfig> configurations() {
        return LayerwiseEngineTest.configurations();
    }

    private static TrainingSession session(String device, Precision precision, ModelConfig config,
            boolean checkpointing) {
        return session(device, precision, KernelChoice.TORCH, config, checkpointing);
    }

    private static TrainingSession session(String device, Precision precision, KernelChoice kernels,
            ModelConfig config, boolean checkpointing) {
        Device where = Devices.parse(device);
        return new TrainingSession(new TrainingSession.Setup(where, precision, kernels, checkpointing, 7), config,
                OptimizerConfig.adamW(1e-3), new Schedule(Schedule.Decay.COSINE, 2, STEPS, 1e-3, 0.1));
    }

    private static TokenBatch batch(ModelConfig config, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int n = 4 * config.contextLength();
        return new TokenBatch(4, config.contextLength(), random.ints(n, 0, config.vocabSize()).asLongStream().toArray(),
                random.ints(n, 0, config.vocabSize()).asLongStream().toArray());
    }

    private static double[] losses(TrainingSession session, ModelConfig config) {
        double[] losses = new double[STEPS];
        for (int step = 0; step < STEPS; step++) {
            losses[step] = session.trainer().step(List.of(batch(config, step), batch(config, 100 + step))).loss();
        }
        return losses;
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void lossesAndWeightsAreThoseOfTheCpu(ModelConfig config) {
        for (boolean checkpointing : new boolean[] {false, true}) {
            try (TrainingSession cpu = session("cpu", Precision.FP32, config, checkpointing);
                    TrainingSession cuda = session("cuda", Precision.FP32, config, checkpointing)) {
                double[] expected = losses(cpu, config);
                double[] found = losses(cuda, config);
                for (int step = 0; step < STEPS; step++) {
                    assertEquals(expected[step], found[step], 1e-4, "step " + step);
                }
                float[] a = NativeArrays.floats(cpu.parameters().weights());
                float[] b = NativeArrays.floats(cuda.parameters().weights());
                for (int i = 0; i < a.length; i++) {
                    assertEquals(a[i], b[i], 2e-3, "weight " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = Precision.class, mode = Mode.EXCLUDE, names = "FP64")
    void everyPrecisionStaysNearFloat32(Precision precision) {
        ModelConfig config = TestModel.llama();
        try (TrainingSession full = session("cuda", Precision.FP32, config, false);
                TrainingSession other = session("cuda", precision, config, false)) {
            assertEquals(losses(full, config)[STEPS - 1], losses(other, config)[STEPS - 1], 0.02);
        }
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void ourKernelsTrainAsLibtorchsDo(ModelConfig config) {
        for (Precision precision : List.of(Precision.FP32, Precision.BF16, Precision.FP16)) {
            long resources = CudaResource.live();
            try (TrainingSession torch = session("cuda", precision, config, false);
                    TrainingSession ours = session("cuda", precision, KernelChoice.OURS, config, true)) {
                double[] expected = losses(torch, config);
                double[] found = losses(ours, config);
                for (int step = 0; step < STEPS; step++) {
                    assertEquals(expected[step], found[step], precision == Precision.FP32 ? 1e-4 : 0.02,
                            precision + " step " + step);
                }
            }
            assertEquals(resources, CudaResource.live());
        }
    }

    @Test
    void unlessToldOtherwiseTheKernelsAreOurs() {
        try (TrainingSession half = session("cuda", Precision.BF16, KernelChoice.AUTO, TestModel.llama(), false);
                TrainingSession wide = session("cuda", Precision.FP64, KernelChoice.AUTO, TestModel.llama(), false)) {
            assertTrue(half.kernels().startsWith("the lab's kernels"), half.kernels());
            assertEquals("libtorch's kernels", wide.kernels());
        }
    }

    @ParameterizedTest
    @EnumSource(value = KernelChoice.class, names = {"TORCH", "OURS"})
    void manyStepsLeaveNothingBehind(KernelChoice kernels) {
        ModelConfig config = TestModel.gpt2();
        try (TrainingSession session = session("cuda", Precision.BF16, kernels, config, false)) {
            losses(session, config);
            long tensors = Tensor.live();
            int arrays = session.manager().getManagedArrays().size();
            losses(session, config);
            assertEquals(tensors, Tensor.live());
            assertTrue(session.manager().getManagedArrays().size() <= arrays);
        }
    }
}
