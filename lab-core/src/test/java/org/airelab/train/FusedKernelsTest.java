package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import org.airelab.base.UserError;
import org.airelab.data.TokenBatch;
import org.airelab.nn.FusedOps;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.TorchOps;
import org.airelab.torch.Tensor;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import java.util.stream.Stream;

/** The lab's kernels under autograd against plain operators. */
class FusedKernelsTest {
    static Stream<ModelConfig> configurations() {
        return LayerwiseEngineTest.configurations();
    }

    private static TestModel fused(ModelConfig config) {
        NDManager tables = NDManager.newBaseManager();
        return new TestModel(config, Precision.FP32, new FusedOps(config, new TorchOps(tables, config, ScalarType.FLOAT32)));
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void gradientsEqualThoseOfPlainOperators(ModelConfig config) {
        try (TestModel plain = new TestModel(config, Precision.FP32); TestModel fused = fused(config)) {
            for (int batchSize : new int[] {1, 3}) {
                TokenBatch batch = plain.batch(3, batchSize);
                plain.engine(false).forwardBackward(batch, 1, 0);
                LossHead head = new FusedLossHead(fused.model.head(), fused.store);
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

    @Test
    void manyPassesLeaveNothingBehind() {
        try (TestModel m = fused(TestModel.llama())) {
            LayerwiseEngine engine = new LayerwiseEngine(m.manager, m.model, m.store,
                    new FusedLossHead(m.model.head(), m.store), false, 7);
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

    @Test
    void ourKernelsAreRefusedWhereTheyDoNotExist() {
        UserError e = assertThrows(UserError.class, () -> new TrainingSession(new TrainingSession.Setup(Device.cpu(),
                Precision.BF16, KernelChoice.OURS, false, 1), TestModel.llama(), OptimizerConfig.adamW(1e-3),
                new Schedule(Schedule.Decay.CONSTANT, 0, 10, 1e-3, 0)).close());
        assertEquals(UserError.BAD_INPUT, e.exitCode());
    }
}
