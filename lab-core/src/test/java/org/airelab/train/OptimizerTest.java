package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OptimizerTest {
    static OptimizerConfig config(OptimizerConfig.Kind kind) {
        return new OptimizerConfig(kind, 1e-2, 0.9, 0.95, 1e-8, 0.1, 0.8, 0.99, 0);
    }

    /** The rules of PyTorch's documentation in float64, one number at a time. */
    private static void reference(OptimizerConfig c, double[] w, double[] g, double[] m, double[] v, int t, double lr,
            double decay) {
        for (int i = 0; i < w.length; i++) {
            double gradient = g[i];
            if (c.kind() == OptimizerConfig.Kind.ADAMW) {
                w[i] *= 1 - lr * decay;
            } else {
                gradient += decay * w[i];
            }
            switch (c.kind()) {
                case ADAMW, ADAM -> {
                    m[i] = c.beta1() * m[i] + (1 - c.beta1()) * gradient;
                    v[i] = c.beta2() * v[i] + (1 - c.beta2()) * gradient * gradient;
                    double mHat = m[i] / (1 - Math.pow(c.beta1(), t));
                    double vHat = v[i] / (1 - Math.pow(c.beta2(), t));
                    w[i] -= lr * mHat / (Math.sqrt(vHat) + c.eps());
                }
                case SGD -> {
                    m[i] = c.momentum() * m[i] + gradient;
                    w[i] -= lr * m[i];
                }
                case RMSPROP -> {
                    v[i] = c.alpha() * v[i] + (1 - c.alpha()) * gradient * gradient;
                    m[i] = c.momentum() * m[i] + gradient / (Math.sqrt(v[i]) + c.eps());
                    w[i] -= lr * m[i];
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(OptimizerConfig.Kind.class)
    void allImplementationsEqualTheReference(OptimizerConfig.Kind kind) {
        try (CopyingLauncher launcher = new CopyingLauncher()) {
            for (DeviceKernels kernels : Arrays.asList(null, DeviceKernels.on(Device.cpu()),
                    DeviceKernels.on(launcher))) {
                assertEqualsTheReference(kind, kernels);
            }
            assertTrue(launcher.launches > 0);
        }
    }

    private static void assertEqualsTheReference(OptimizerConfig.Kind kind, DeviceKernels kernels) {
        try (TestModel model = new TestModel(TestModel.llama(), Precision.FP32)) {
            OptimizerConfig config = config(kind);
            FlatParameters flat = model.flat;
            Optimizer optimizer = new Optimizer(model.manager, config, flat, kernels);
            double[] w = doubles(NativeArrays.floats(flat.weights()));
            double[] m = new double[w.length];
            double[] v = new double[w.length];
            SplittableRandom random = new SplittableRandom(2);
            for (int step = 1; step <= 5; step++) {
                float[] g = fill(flat, random);
                double[] scaled = doubles(g);
                for (int i = 0; i < scaled.length; i++) {
                    scaled[i] *= 0.5;
                }
                optimizer.step(step, 1e-2 / step, 0.5);
                byParameter(flat, config, w, scaled, m, v, step, 1e-2 / step);
            }
            assertArrayEquals(w, doubles(NativeArrays.floats(flat.weights())), 2e-5, kind + " by " + kernels);
        }
    }

    private static void byParameter(FlatParameters flat, OptimizerConfig config, double[] w, double[] g, double[] m,
            double[] v, int step, double lr) {
        for (FlatParameters.Slot slot : flat.slots()) {
            int from = (int) slot.offset();
            int to = from + (int) slot.spec().elements();
            boolean decays = slot.spec().path().matches(".*(qkv|out|gate_up|down)\\.weight");
            double[][] parts = {part(w, from, to), part(g, from, to), part(m, from, to), part(v, from, to)};
            reference(config, parts[0], parts[1], parts[2], parts[3], step, lr, decays ? config.weightDecay() : 0);
            System.arraycopy(parts[0], 0, w, from, to - from);
            System.arraycopy(parts[2], 0, m, from, to - from);
            System.arraycopy(parts[3], 0, v, from, to - from);
        }
    }

    private static double[] part(double[] all, int from, int to) {
        return java.util.Arrays.copyOfRange(all, from, to);
    }

    static float[] fill(FlatParameters flat, SplittableRandom random) {
        float[] g = new float[(int) flat.size()];
        for (FlatParameters.Slot slot : flat.slots()) {
            for (int i = 0; i < slot.spec().elements(); i++) {
                g[(int) slot.offset() + i] = (float) random.nextGaussian();
            }
        }
        NativeArrays.copy(flat.gradients().getManager().create(g), flat.gradients());
        return g;
    }

    private static double[] doubles(float[] values) {
        double[] result = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = values[i];
        }
        return result;
    }

    @Test
    void decayGroupsAreToldInWords() {
        try (TestModel model = new TestModel(TestModel.llama(), Precision.FP32)) {
            var lines = new Optimizer(model.manager, config(OptimizerConfig.Kind.ADAMW), model.flat, null).describe();
            assertEquals(2, lines.size());
            assertTrue(lines.get(0).startsWith("weight decay 0.1: ") && lines.get(0).endsWith("(matrix)"),
                    lines.get(0));
            assertTrue(lines.get(1).contains("embedding, norm, bias"), lines.get(1));
        }
    }

    /**
     * Embedding and the first layer's norms; two layers' matrices; two layers' norms; the last's matrices; the head's.
     */
    @Test
    void matricesLieBesideEachOtherAndAreUpdatedTogether() {
        for (ModelConfig config : List.of(TestModel.llama(), TestModel.gpt2())) {
            try (CopyingLauncher launcher = new CopyingLauncher();
                    TrainingSession session = new TrainingSession(new TrainingSession.Setup(Device.cpu(),
                            Precision.FP32, KernelChoice.TORCH, false, 1), config, OptimizerConfig.adamW(1e-3),
                            new Schedule(Schedule.Decay.CONSTANT, 0, 10, 1e-3, 0))) {
                new Optimizer(session.manager(), config(OptimizerConfig.Kind.ADAMW), session.parameters(),
                        DeviceKernels.on(launcher)).step(1, 1e-3, 1);
                assertEquals(5, launcher.launches);
            }
        }
    }

    @Test
    void clippingBringsTheWholeNormDown() {
        assertEquals(0.25, GradientNorm.clip(4, 1));
        assertEquals(1, GradientNorm.clip(0.5, 1));
        assertEquals(1, GradientNorm.clip(4, 0));
        try (TestModel model = new TestModel(TestModel.llama(), Precision.FP32)) {
            float[] g = fill(model.flat, new SplittableRandom(3));
            double sum = 0;
            for (float x : g) {
                sum += (double) x * x;
            }
            try (CopyingLauncher launcher = new CopyingLauncher()) {
                for (DeviceKernels kernels : Arrays.asList(null, DeviceKernels.on(Device.cpu()),
                        DeviceKernels.on(launcher))) {
                    GradientNorm norms = new GradientNorm(model.flat, kernels, spec -> true);
                    assertEquals(Math.sqrt(sum), norms.owned(), 1e-4);
                }
            }
        }
    }

    @Test
    void schedulesWarmUpAndDecay() {
        Schedule cosine = new Schedule(Schedule.Decay.COSINE, 10, 110, 1e-3, 0.1);
        assertEquals(1e-4, cosine.learningRate(1), 1e-12);
        assertEquals(1e-3, cosine.learningRate(10), 1e-12);
        assertEquals(0.55e-3, cosine.learningRate(60), 1e-12);
        assertEquals(1e-4, cosine.learningRate(110), 1e-12);
        assertEquals(1e-4, cosine.learningRate(500), 1e-12);
        assertEquals(0.5e-3, new Schedule(Schedule.Decay.LINEAR, 0, 100, 1e-3, 0).learningRate(50), 1e-12);
        assertEquals(1e-3, new Schedule(Schedule.Decay.CONSTANT, 0, 100, 1e-3, 0.1).learningRate(99), 1e-12);
    }

    @Test
    void constantsOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> OptimizerConfig.adamW(-1));
        assertThrows(IllegalArgumentException.class, () -> OptimizerConfig.adamW(Double.NaN));
    }

    @Test
    void lossScaleHalvesOnOverflowAndGrowsAfterPeace() {
        LossScaler scaler = new LossScaler(Precision.FP16);
        double start = scaler.scale();
        assertTrue(scaler.skip(false));
        assertEquals(start / 2, scaler.scale());
        for (int i = 0; i < LossScaler.GROWTH_INTERVAL; i++) {
            assertTrue(!scaler.skip(true));
        }
        assertEquals(start, scaler.scale());
        assertTrue(!new LossScaler(Precision.FP32).skip(false));
    }

    @Test
    void divergenceIsNanOrManyOutliersInARow() {
        DivergenceGuard guard = new DivergenceGuard(6);
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 200; i++) {
            assertEquals(null, guard.check(3 + 0.1 * random.nextGaussian()));
        }
        assertEquals(null, guard.check(30));
        assertEquals(null, guard.check(3));
        for (int i = 1; i < DivergenceGuard.PATIENCE; i++) {
            assertEquals(null, guard.check(30));
        }
        assertTrue(guard.check(30).contains("standard deviations"));
        assertTrue(guard.check(Double.NaN).contains("NaN"));
    }

    @Test
    void aGuardThatIsResumedKnowsWhatItKnew() {
        DivergenceGuard whole = new DivergenceGuard(4);
        DivergenceGuard first = new DivergenceGuard(4);
        for (int i = 0; i < 300; i++) {
            double loss = 3 + 0.01 * Math.sin(i);
            assertNull(whole.check(loss));
            assertNull(first.check(loss));
        }
        for (int i = 0; i < 3; i++) {
            assertNull(whole.check(15));
            assertNull(first.check(15));
        }
        DivergenceGuard resumed = new DivergenceGuard(4);
        resumed.restore(first.memory());
        for (int i = 0; i < 2; i++) {
            assertEquals(whole.check(15), resumed.check(15));
        }
        assertTrue(resumed.check(15).contains("above its mean 3.0"), resumed.check(15));
        DivergenceGuard fresh = new DivergenceGuard(4);
        fresh.restore(new DivergenceGuard(4).memory());
        assertNull(fresh.check(15));
    }

    @Test
    void gradientsThatOverflowAtEveryScaleExhaustTheScaler() {
        LossScaler scaler = new LossScaler(Precision.FP16);
        int skips = 0;
        while (!scaler.exhausted()) {
            assertTrue(scaler.skip(false));
            skips++;
        }
        assertEquals(31, skips);
    }
}
