package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.data.TokenBatch;
import org.airelab.nn.FusedOps;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The lab's kernels under autograd against plain operators. */
class FusedKernelsTest {
    static Stream<ModelConfig> configurations() {
        return LayerwiseEngineTest.configurations();
    }

    /** Without plain operators to fall back to: there is a kernel for everything that these models ask for. */
    private static TestModel fused(ModelConfig config) {
        return new TestModel(config, Precision.FP32, new FusedOps(config, DeviceKernels.on(Device.cpu()),
                ScalarType.FLOAT32, null));
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void gradientsEqualThoseOfPlainOperators(ModelConfig config) {
        try (TestModel plain = new TestModel(config, Precision.FP32); TestModel fused = fused(config)) {
            for (int batchSize : new int[] {1, 3}) {
                TokenBatch batch = plain.batch(3, batchSize);
                plain.engine(false).forwardBackward(batch, 1, 0);
                LossHead head = new FusedLossHead(fused.manager, fused.model.head(), fused.store,
                        DeviceKernels.on(Device.cpu()));
                for (boolean checkpointing : new boolean[] {false, true}) {
                    fused.flat.zeroGradients();
                    new LayerwiseEngine(fused.manager, fused.model, fused.store, head, checkpointing, 7)
                            .forwardBackward(batch, 1, 0);
                    assertArrayEquals(plain.gradients(), fused.gradients(), 2e-6f);
                }
                double expected = plain.head.takeLoss();
                assertEquals(expected, head.takeLoss(), 1e-5);
                assertEquals(expected, new LayerwiseEngine(fused.manager, fused.model, fused.store, head, false, 7)
                        .evaluate(batch) / batch.targets().length, 1e-5);
                plain.flat.zeroGradients();
            }
        }
    }

    /**
     * The CUDA kernels by the same door, executed on the CPU: autograd hands them its tensors, and they give back what
     * plain operators do, within what a half type's rounding explains.
     */
    @ParameterizedTest
    @CsvSource({"FP32, 2e-6", "BF16, 0.05"})
    void cudaKernelsUnderAutogradEqualPlainOperators(Precision precision, double tolerance) {
        // Of heads of 8 interleaved pairs alone are turned back with attention's gradients.
        for (ModelConfig config : List.of(TestModel.llama(), TestModel.interleaved(TestModel.llama()),
                TestModel.gpt2())) {
            try (CopyingLauncher launcher = new CopyingLauncher();
                    TestModel plain = new TestModel(config, precision);
                    TestModel fused = new TestModel(config, precision, new FusedOps(config, DeviceKernels.on(launcher),
                            precision.computed(), null))) {
                TokenBatch batch = plain.batch(3, 2);
                plain.engine(false).forwardBackward(batch, 1, 0);
                fused.engine(false).forwardBackward(batch, 1, 0);
                assertTrue(launcher.launches > 10 * config.layers(), launcher.launches + " launches");
                assertEquals(plain.head.takeLoss(), fused.head.takeLoss(), tolerance);
                assertClose(plain.gradients(), fused.gradients(), tolerance);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void gradientsOfPassesAddUp(ModelConfig config) {
        try (TestModel m = fused(config)) {
            m.engine(false).forwardBackward(m.batch(3, 2), 1, 0);
            float[] one = m.gradients();
            m.engine(true).forwardBackward(m.batch(3, 2), 2, 0);
            float[] three = m.gradients();
            for (int i = 0; i < one.length; i++) {
                assertEquals(3 * one[i], three[i], 2e-6 + 1e-5 * Math.abs(one[i]), "element " + i);
            }
        }
    }

    /** The difference's root mean square against the gradients' own. */
    private static void assertClose(float[] expected, float[] actual, double tolerance) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(expected[i] - actual[i], 2);
            size += Math.pow(expected[i], 2);
        }
        assertTrue(size > 0 && Math.sqrt(difference / size) <= tolerance,
                "relative difference " + Math.sqrt(difference / size));
    }

    @Test
    void manyPassesLeaveNothingBehind() {
        try (TestModel m = fused(TestModel.llama())) {
            LayerwiseEngine engine = new LayerwiseEngine(m.manager, m.model, m.store,
                    new FusedLossHead(m.manager, m.model.head(), m.store, DeviceKernels.on(Device.cpu())), false, 7);
            TokenBatch batch = m.batch(3, 1);
            long arrays = 0;
            long tensors = 0;
            for (int i = 0; i < 1000; i++) {
                if (i == 2) {
                    arrays = m.manager.getManagedArrays().size();
                    tensors = Tensor.live();
                }
                engine.forwardBackward(batch, 1, i);
            }
            assertEquals(arrays, m.manager.getManagedArrays().size());
            assertEquals(tensors, Tensor.live());
        }
    }

    private static TrainingSession session(Precision precision, KernelChoice kernels, ModelConfig config) {
        return new TrainingSession(new TrainingSession.Setup(Device.cpu(), precision, kernels, false, 1), config,
                OptimizerConfig.adamW(1e-3), new Schedule(Schedule.Decay.CONSTANT, 0, 10, 1e-3, 0));
    }

    @Test
    void ourKernelsAreRefusedWhereTheyDoNotExist() {
        UserError precision = assertThrows(UserError.class,
                () -> session(Precision.BF16, KernelChoice.OURS, TestModel.llama()).close());
        assertEquals(UserError.BAD_INPUT, precision.exitCode());
        UserError dropout = assertThrows(UserError.class,
                () -> session(Precision.FP32, KernelChoice.OURS, TestModel.withDropout(TestModel.gpt2(), 0.1)).close());
        assertEquals(UserError.BAD_INPUT, dropout.exitCode());
        assertTrue(dropout.getMessage().contains("attention with dropout"), dropout.getMessage());
    }

    @Test
    void aSessionSaysWhoseKernelsComputeAndForgetsThemWhenItCloses() {
        int before = CustomFunction.live();
        try (TrainingSession ours = session(Precision.FP32, KernelChoice.OURS, TestModel.gpt2());
                TrainingSession mixed = session(Precision.FP32, KernelChoice.AUTO,
                        TestModel.withDropout(TestModel.gpt2(), 0.1));
                TrainingSession plain = session(Precision.FP32, KernelChoice.TORCH, TestModel.gpt2())) {
            assertEquals("the lab's kernels (libtorch's for products and embeddings)", ours.kernels());
            assertTrue(mixed.kernels().matches("the lab's .*libtorch's .*attention with dropout\\)"), mixed.kernels());
            assertEquals("libtorch's kernels", plain.kernels());
        }
        assertEquals(before, CustomFunction.live());
    }
}
