package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.index.NDIndex;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.airelab.data.TokenBatch;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.NativeArrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class TrainerTest {
    private static final double RATE = 0.1;

    private static OptimizerConfig sgd(double clipNorm) {
        return new OptimizerConfig(OptimizerConfig.Kind.SGD, RATE, 0.9, 0.95, 1e-8, 0, 0, 0.99, clipNorm);
    }

    private static TrainingSession session(Precision precision, OptimizerConfig optimizer) {
        return new TrainingSession(new TrainingSession.Setup(Device.cpu(), precision, KernelChoice.AUTO, false, 7),
                TestModel.llama(), optimizer, new Schedule(Schedule.Decay.CONSTANT, 0, 100, RATE, 0));
    }

    private static TokenBatch batch() {
        try (TestModel model = new TestModel(TestModel.llama(), Precision.FP32)) {
            return model.batch(3, 4);
        }
    }

    private static float[] weights(TrainingSession session) {
        return NativeArrays.floats(session.parameters().weights());
    }

    @Test
    void accumulatedMicroBatchesMakeTheStepOfTheirWhole() {
        try (TrainingSession whole = session(Precision.FP64, sgd(0));
                TrainingSession parts = session(Precision.FP64, sgd(0))) {
            for (int step = 0; step < 3; step++) {
                Trainer.StepReport one = whole.trainer().step(List.of(batch()));
                Trainer.StepReport four = parts.trainer().step(TestModel.rows(batch()));
                assertEquals(one.loss(), four.loss(), 1e-12);
                assertEquals(one.gradientNorm(), four.gradientNorm(), 1e-12);
            }
            assertArrayEquals(whole.parameters().weights().toDoubleArray(),
                    parts.parameters().weights().toDoubleArray(), 1e-13);
        }
    }

    /** Gradient descent moves the weights by the rate times the gradient, clipped: the distance is known. */
    @Test
    void theUpdateIsMadeOfTheClippedGradient() {
        for (double clip : new double[] {0, 1e-3, 1e6}) {
            try (TrainingSession session = session(Precision.FP64, sgd(clip))) {
                double[] before = session.parameters().weights().toDoubleArray();
                double norm = session.trainer().step(List.of(batch())).gradientNorm();
                double[] after = session.parameters().weights().toDoubleArray();
                double moved = 0;
                for (int i = 0; i < before.length; i++) {
                    moved += Math.pow(after[i] - before[i], 2);
                }
                assertEquals(RATE * (clip == 0 ? norm : Math.min(norm, clip)), Math.sqrt(moved), 1e-9 * norm);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = Precision.class, mode = Mode.EXCLUDE, names = "FP64")
    void everyPrecisionLearns(Precision precision) {
        try (TrainingSession session = session(precision, OptimizerConfig.adamW(3e-3))) {
            double first = session.trainer().step(List.of(batch())).loss();
            double last = first;
            for (int step = 0; step < 30; step++) {
                last = session.trainer().step(List.of(batch())).loss();
            }
            assertTrue(last < 0.6 * first, precision + ": from " + first + " to " + last);
        }
    }

    @Test
    void theScaleOfFloat16sLossDoesNotReachTheUpdate() {
        try (TrainingSession half = session(Precision.FP16, sgd(0));
                TrainingSession full = session(Precision.FP32, sgd(0))) {
            assertTrue(half.scaler().scale() > 1000);
            double norm = half.trainer().step(List.of(batch())).gradientNorm();
            assertEquals(full.trainer().step(List.of(batch())).gradientNorm(), norm, 0.02 * norm);
            assertArrayEquals(weights(full), weights(half), 2e-3f);
        }
    }

    /** A scale near float16's largest number makes the gradients overflow. */
    @Test
    void anOverflowSkipsTheUpdateAndItsClock() {
        try (TrainingSession session = session(Precision.FP16, OptimizerConfig.adamW(1e-3))) {
            session.scaler().restore(0x1p40, 0);
            float[] before = weights(session);
            Trainer.StepReport report = session.trainer().step(List.of(batch()));
            assertTrue(report.skipped());
            assertArrayEquals(before, weights(session));
            assertEquals(1, session.trainer().step());
            assertEquals(0, session.trainer().updates());
            assertEquals(0x1p39, session.scaler().scale());
            session.scaler().restore(1024, 0);
            assertFalse(session.trainer().step(List.of(batch())).skipped());
            assertEquals(2, session.trainer().step());
            assertEquals(1, session.trainer().updates());
        }
    }

    @Test
    void aStepWithoutAFiniteGradientChangesNothing() {
        try (TrainingSession session = session(Precision.FP32, OptimizerConfig.adamW(1e-3))) {
            session.parameters().weights().set(new NDIndex(0), Float.NaN);
            float[] before = weights(session);
            Trainer.StepReport report = session.trainer().step(List.of(batch()));
            assertFalse(report.skipped());
            assertTrue(Double.isNaN(report.gradientNorm()) || Double.isInfinite(report.gradientNorm()));
            assertArrayEquals(before, weights(session));
        }
    }

    /** What is told to be final is, comes as soon as it can, and in the last micro-batch alone. */
    @Test
    void gradientsAreExchangedOnceTheyAreFinal() {
        for (ModelConfig config : List.of(TestModel.llama(), TestModel.original())) {
            var setup = new TrainingSession.Setup(Device.cpu(), Precision.FP32, KernelChoice.AUTO, false, 7);
            Schedule schedule = new Schedule(Schedule.Decay.CONSTANT, 0, 9, RATE, 0);
            try (TrainingSession session = new TrainingSession(setup, config, sgd(0), schedule)) {
                Recorder recorder = new Recorder(session);
                session.trainer().shareSteps(recorder);
                double loss = session.trainer().step(TestModel.rows(batch())).loss();
                assertEquals(config.layers() + 2, recorder.from.size());
                assertEquals(0, recorder.from.getLast());
                for (int i = 0; i < config.layers(); i++) {
                    String path = "layers." + (config.layers() - 1 - i) + ".";
                    assertEquals(session.parameters().slots().stream().filter(s -> s.spec().path().startsWith(path))
                            .mapToLong(FlatParameters.Slot::offset).min().orElseThrow(), recorder.from.get(i + 1));
                }
                assertTrue(recorder.from.getFirst() > recorder.from.get(1));
                assertEquals(-1, loss);
                assertEquals(1, recorder.completed);
            }
        }
    }

    /** Of two ranks the first; the other one's gradients are 0. */
    private static final class Recorder implements GradientExchange {
        private final TrainingSession session;
        private final List<Long> from = new ArrayList<>();
        private final List<float[]> seen = new ArrayList<>();
        private int completed;

        private Recorder(TrainingSession session) {
            this.session = session;
        }

        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int ranks() {
            return 2;
        }

        @Override
        public void finalFrom(long element) {
            from.add(element);
            seen.add(NativeArrays.floats(session.parameters().gradients()));
        }

        @Override
        public void complete() {
            completed++;
            float[] last = NativeArrays.floats(session.parameters().gradients());
            for (int i = 0; i < from.size(); i++) {
                int first = from.get(i).intValue();
                assertArrayEquals(Arrays.copyOfRange(last, first, last.length),
                        Arrays.copyOfRange(seen.get(i), first, last.length));
            }
        }

        @Override
        public double norm(double mine) {
            return mine;
        }

        @Override
        public void updated() {
            assertEquals(1, completed);
        }

        @Override
        public double[] norms(double[] mine) {
            return mine;
        }

        @Override
        public double mean(double value) {
            return -1;
        }
    }
}
