package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.airelab.data.TokenBatch;
import org.airelab.nn.ContextDivision;
import org.airelab.nn.FlatParameters;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The loss heads against float64 where targets are ignored. The model's head is no more than a matrix. */
class LossHeadTest {
    private static final double SCALE = 0.5;
    private static final float[] NONE = {};

    private final CopyingLauncher launcher = new CopyingLauncher();
    private TestModel model;
    private int dim;
    private int vocab;
    private int rows;
    private float[] x;

    @BeforeEach
    void open() {
        model = new TestModel(TestModel.original(), Precision.FP32);
        dim = model.config.dim();
        vocab = model.config.vocabSize();
        rows = 2 * model.config.contextLength();
        SplittableRandom random = new SplittableRandom(2);
        x = new float[rows * dim];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextDouble(-2, 2);
        }
    }

    @AfterEach
    void close() {
        model.close();
        launcher.close();
    }

    private enum Kind {
        TORCH, CPU, CUDA_ON_THE_CPU
    }

    private LossHead head(Kind kind) {
        return switch (kind) {
            case TORCH -> model.head;
            case CPU -> fused(DeviceKernels.on(Device.cpu()));
            case CUDA_ON_THE_CPU -> fused(DeviceKernels.on(launcher));
        };
    }

    private LossHead fused(DeviceKernels kernels) {
        return new FusedLossHead(model.manager, model.model.head(), model.store, kernels);
    }

    /** Every n-th target counts, none for n = 0. */
    private long[] targets(int n, long seed) {
        long[] targets = new SplittableRandom(seed).longs(rows, 0, vocab).toArray();
        for (int i = 0; i < rows; i++) {
            targets[i] = n == 0 || i % n != 0 ? Aten.IGNORED : targets[i];
        }
        return targets;
    }

    private float[] weight() {
        return window(model.flat.weights());
    }

    private float[] window(NDArray buffer) {
        FlatParameters.Slot slot = model.flat.slots().stream().filter(s -> s.spec().path().equals("head.weight"))
                .findFirst().orElseThrow();
        float[] all = NativeArrays.floats(buffer);
        return Arrays.copyOfRange(all, (int) slot.offset(), (int) (slot.offset() + slot.spec().elements()));
    }

    /** The sum of the losses in float64; with room for them, the gradients of {@link #SCALE} times their mean. */
    private double reference(long[] targets, float[] dx, float[] dw) {
        float[] w = weight();
        long counted = Arrays.stream(targets).filter(target -> target != Aten.IGNORED).count();
        double sum = 0;
        for (int row = 0; row < rows; row++) {
            if (targets[row] == Aten.IGNORED) {
                continue;
            }
            double[] p = new double[vocab];
            for (int v = 0; v < vocab; v++) {
                for (int i = 0; i < dim; i++) {
                    p[v] += (double) x[row * dim + i] * w[v * dim + i];
                }
            }
            double total = Arrays.stream(p).map(Math::exp).sum();
            sum += Math.log(total) - p[(int) targets[row]];
            for (int v = 0; v < vocab && dx.length > 0; v++) {
                double g = (Math.exp(p[v]) / total - (v == targets[row] ? 1 : 0)) * SCALE / counted;
                for (int i = 0; i < dim; i++) {
                    dx[row * dim + i] += (float) (g * w[v * dim + i]);
                    dw[v * dim + i] += (float) (g * x[row * dim + i]);
                }
            }
        }
        return sum;
    }

    private static Targets targets(NDManager scope, long[] ids) {
        return Targets.of(scope, new TokenBatch(1, ids.length, ids, ids), ContextDivision.NONE);
    }

    private float[] forwardBackward(LossHead head, long[] targets) {
        try (NDManager scope = model.manager.newSubManager()) {
            NDArray leaf = Autograd.leaf(scope, scope.create(x, new Shape(2, rows / 2, dim)));
            return head.forwardBackward(leaf, targets(scope, targets), SCALE).toFloatArray();
        }
    }

    private double evaluate(LossHead head, long[] targets) {
        try (NDManager scope = model.manager.newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            return head.evaluate(scope.create(x, new Shape(2, rows / 2, dim)), targets(scope, targets));
        }
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void meanAndGradientsAreThoseOfTheTargetsThatCount(Kind kind) {
        LossHead head = head(kind);
        long[] targets = targets(2, 1);
        float[] dx = new float[x.length];
        float[] dw = new float[vocab * dim];
        double sum = reference(targets, dx, dw);
        assertArrayEquals(dx, forwardBackward(head, targets), 1e-7f);
        assertArrayEquals(dw, window(model.flat.gradients()), 1e-6f);
        assertEquals(2 * sum / rows, head.takeLoss(), 1e-5);
        assertEquals(sum, evaluate(head, targets), 1e-4);
    }

    /** Each call is one micro-batch of a step, however many of its targets count: gradient and loss agree on it. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void theLossOfSeveralCallsIsTheMeanOfTheirMeans(Kind kind) {
        LossHead head = head(kind);
        double mean = 0;
        for (int n : new int[] {1, 6}) {
            forwardBackward(head, targets(n, n));
            mean += reference(targets(n, n), NONE, NONE) / (rows / n) / 2;
        }
        assertEquals(mean, head.takeLoss(), 1e-5);
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void withoutAnyTargetTheLossIsNotANumberAndMovesNothing(Kind kind) {
        LossHead head = head(kind);
        assertArrayEquals(new float[x.length], forwardBackward(head, targets(0, 1)));
        assertArrayEquals(new float[vocab * dim], window(model.flat.gradients()));
        assertEquals(Double.NaN, head.takeLoss());
        assertEquals(0, evaluate(head, targets(0, 1)));
    }

    /** In bfloat16 both round logits and gradients to it, at the same places. */
    @Test
    void inBfloat16AsThePlainOperators() {
        long[] targets = targets(3, 4);
        try (TestModel half = new TestModel(TestModel.llama(), Precision.BF16)) {
            List<LossHead> heads = List.of(half.head, new FusedLossHead(half.manager, half.model.head(), half.store,
                    DeviceKernels.on(launcher)));
            List<float[]> results = new ArrayList<>();
            for (LossHead head : heads) {
                half.flat.zeroGradients();
                try (NDManager scope = half.manager.newSubManager()) {
                    NDArray wide = scope.create(x, new Shape(2, rows / 2, dim));
                    NDArray leaf = Autograd.leaf(scope, NativeArrays.convert(scope, wide, ScalarType.BFLOAT16));
                    results.add(NativeArrays.floats(head.forwardBackward(leaf, targets(scope, targets), SCALE)));
                    results.add(NativeArrays.floats(half.flat.gradients()));
                }
            }
            assertArrayEquals(results.get(0), results.get(2), 1e-2f * largest(results.get(0)));
            assertArrayEquals(results.get(1), results.get(3), 1e-2f * largest(results.get(1)));
            assertEquals(heads.get(0).takeLoss(), heads.get(1).takeLoss(), 1e-5);
        }
    }

    private static float largest(float[] values) {
        float largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertTrue(largest > 0);
        return largest;
    }

    @Test
    void portionsFitTheirDevices() {
        assertEquals(65, FusedLossHead.portion(1 << 20, 32_000, FusedLossHead.CPU_PORTION, false));
        assertEquals(33_536, FusedLossHead.portion(1 << 20, 32_000, 1L << 30, true));
        assertEquals(100, FusedLossHead.portion(100, 32_000, 1L << 30, true));
        assertEquals(1, FusedLossHead.portion(100, 1 << 22, FusedLossHead.CPU_PORTION, false));
        assertEquals(64, FusedLossHead.portion(100, 1 << 24, 1L << 30, true));
    }
}
