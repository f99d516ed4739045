package org.airelab.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BridgeTest {
    private NDManager manager;
    private long liveBefore;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        liveBefore = Tensor.live();
    }

    @AfterEach
    void close() {
        manager.close();
        assertEquals(liveBefore, Tensor.live(), "references of the bridge left open");
    }

    @Test
    void memoryIsSharedNotCopied() {
        NDArray x = manager.arange(12f);
        MemorySegment memory = NativeArrays.memory(x);
        assertEquals(48, memory.byteSize());
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, 7, 99f);
        assertEquals(99f, x.getFloat(7));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment own = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
            NDArray over = NativeArrays.over(manager, own, ScalarType.FLOAT32, 2, 3);
            own.setAtIndex(ValueLayout.JAVA_FLOAT, 5, -6f);
            assertEquals(-6f, over.getFloat(1, 2));
            assertThrows(IllegalArgumentException.class,
                    () -> NativeArrays.over(manager, own, ScalarType.FLOAT64, 2, 3));
            over.close();
        }
    }

    @Test
    void memoryOfAStridedViewIsRefused() {
        NDArray view = Aten.transpose(manager, manager.arange(6f).reshape(2, 3), 0, 1);
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> NativeArrays.memory(view));
        assertTrue(e.getMessage().contains("not contiguous"), e.getMessage());
    }

    @Test
    void viewsShareStorage() {
        NDArray flat = manager.zeros(new Shape(10));
        NDArray window;
        try (Tensor view = NativeArrays.view(flat, 2, 2, 3)) {
            assertArrayEquals(new long[] {2, 3}, view.shape());
            window = view.share().attach(manager);
        }
        window.addi(5);
        NativeArrays.view(window, 2, 3).attach(manager).addi(1);
        assertArrayEquals(new float[] {0, 0, 5, 5, 6, 6, 6, 5, 0, 0}, flat.toFloatArray());
    }

    @Test
    void attentionEqualsPlainOperatorsForwardAndBackward() {
        Shape shape = new Shape(2, 4, 33, 16);
        NDArray[] a = {manager.randomNormal(shape), manager.randomNormal(shape), manager.randomNormal(shape)};
        NDArray[] b = {a[0].duplicate(), a[1].duplicate(), a[2].duplicate()};
        try (Autograd.Mode mode = Autograd.recording()) {
            for (int i = 0; i < 3; i++) {
                a[i].setRequiresGradient(true);
                b[i].setRequiresGradient(true);
            }
            NDArray weight = manager.randomNormal(shape);
            NDArray fused = Aten.attention(manager, a[0], a[1], a[2], null, 0, true);
            NDArray plain = causalAttention(b[0], b[1], b[2]);
            assertTrue(largest(fused.sub(plain)) < 1e-5);
            Autograd.backward(fused, weight);
            Autograd.backward(plain, weight);
        }
        for (int i = 0; i < 3; i++) {
            assertTrue(largest(a[i].getGradient().sub(b[i].getGradient())) < 1e-4, "gradient " + i);
        }
    }

    private NDArray causalAttention(NDArray q, NDArray k, NDArray v) {
        long time = q.getShape().get(2);
        NDArray index = manager.arange((int) time);
        NDArray open = index.reshape(time, 1).gte(index.reshape(1, time)).toType(DataType.FLOAT32, false);
        NDArray scores = q.matMul(k.transpose(0, 1, 3, 2)).mul(1 / Math.sqrt(q.getShape().get(3)));
        return scores.add(open.sub(1).mul(1e9f)).softmax(-1).matMul(v);
    }

    @Test
    void bfloat16IsNamedAndDifferentiable() {
        NDArray x = manager.randomNormal(new Shape(64, 128));
        NDArray w = manager.randomNormal(new Shape(32, 128));
        w.setRequiresGradient(true);
        try (Autograd.Mode mode = Autograd.recording()) {
            NDArray low = Aten.linear(manager, Aten.to(manager, x, ScalarType.BFLOAT16),
                    Aten.to(manager, w, ScalarType.BFLOAT16), null);
            assertEquals(ScalarType.BFLOAT16, NativeArrays.type(low));
            NDArray y = Aten.to(manager, low, ScalarType.FLOAT32);
            Autograd.backward(y, y.onesLike());
        }
        assertEquals(ScalarType.FLOAT32, NativeArrays.type(w.getGradient()));
        float[] expected = x.sum(new int[] {0}).toFloatArray();
        float[] got = w.getGradient().get(0).toFloatArray();
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], got[i], 0.15, "column " + i);
        }
    }

    @Test
    void gradientsAccumulateInPlace() {
        NDArray p = manager.create(new float[] {1, 2, 3});
        NDArray flat = manager.zeros(new Shape(8));
        try (Tensor slice = NativeArrays.view(flat, 4, 3)) {
            Autograd.accumulateInto(p, slice);
        }
        flat.muli(0);
        for (int step = 1; step <= 2; step++) {
            try (Autograd.Mode mode = Autograd.recording()) {
                NDArray y = p.square();
                Autograd.backward(y, y.onesLike());
            }
            assertArrayEquals(new float[] {0, 0, 0, 0, 2 * step, 4 * step, 6 * step, 0}, flat.toFloatArray());
        }
    }

    @Test
    void cutsCarryGradientsBetweenGraphs() {
        NDArray p = manager.create(new float[] {1, 2, 3});
        p.setRequiresGradient(true);
        try (Autograd.Mode mode = Autograd.recording()) {
            NDArray y = p.square();
            NDArray leaf = Autograd.leaf(manager, y);
            NDArray z = leaf.pow(3);
            Autograd.backward(z, z.onesLike());
            Autograd.backward(y, Autograd.gradient(manager, leaf));
        }
        // d p^6 / d p = 6 p^5
        assertArrayEquals(new float[] {6, 192, 1458}, p.getGradient().toFloatArray(), 1e-3f);
    }

    @Test
    void exceptionsCarryLibtorchsMessage() {
        NDArray x = manager.ones(new Shape(2, 3));
        NDArray w = manager.ones(new Shape(4, 5));
        EngineException e = assertThrows(EngineException.class, () -> Aten.linear(manager, x, w, null));
        assertTrue(e.getMessage().contains("mat1 and mat2 shapes cannot be multiplied (2x3 and 5x4)"), e.getMessage());
        assertTrue(e.getMessage().startsWith("aten::linear"), e.getMessage());
        EngineException unknown = assertThrows(EngineException.class,
                () -> Operator.of("aten::no_such_operator", "").on(manager).tensor(x).result());
        assertTrue(unknown.getMessage().contains("no_such_operator"), unknown.getMessage());
    }

    @Test
    void gradientsThroughNumbersSurviveGarbageCollection() {
        NDArray x = manager.ones(new Shape(1000));
        x.setRequiresGradient(true);
        for (int i = 0; i < 20; i++) {
            try (NDManager scope = manager.newSubManager(); Autograd.Mode mode = Autograd.recording()) {
                NDArray leaf = Autograd.leaf(scope, x);
                NDArray y = Aten.scale(scope, leaf.add(Aten.number(scope, 1)), 3);
                System.gc();
                Autograd.backward(y, y.onesLike());
                assertEquals(3000f, Autograd.gradient(scope, leaf).sum().getFloat());
            }
        }
    }

    @Test
    void numbersTakeOnTheTypeOfWhatTheyAreCombinedWith() {
        for (ScalarType type : new ScalarType[] {ScalarType.FLOAT16, ScalarType.BFLOAT16, ScalarType.FLOAT32}) {
            NDArray x = Aten.to(manager, manager.ones(new Shape(3)), type);
            NDArray y = x.add(Aten.number(manager, 1)).muli(Aten.number(manager, 3)).divi(Aten.number(manager, 4));
            assertEquals(type, NativeArrays.type(y));
            assertArrayEquals(new float[] {1.5f, 1.5f, 1.5f}, NativeArrays.floats(y));
        }
    }

    @Test
    void argumentsLeftOutAreNotThoseOfAnEarlierCall() {
        NDArray x = manager.ones(new Shape(2, 2));
        for (long diagonal = 0; diagonal <= 1; diagonal++) {
            Operator.of("aten::triu", "").on(manager).tensor(x).integer(diagonal).result();
            // Tensor self, int diagonal=0
            NDArray upper = Operator.of("aten::triu", "").on(manager).tensor(x).result();
            assertArrayEquals(new float[] {1, 1, 0, 1}, upper.toFloatArray());
        }
    }

    @Test
    void groupedHeadsServeSeveralQueriesEach() {
        NDArray q = manager.randomNormal(new Shape(2, 6, 5, 4));
        NDArray k = manager.randomNormal(new Shape(2, 2, 5, 4));
        NDArray v = manager.randomNormal(new Shape(2, 2, 5, 4));
        NDArray grouped = Aten.attention(manager, q, k, v, null, 0, true);
        NDArray expanded = causalAttention(q, k.repeat(1, 3), v.repeat(1, 3));
        assertTrue(largest(grouped.sub(expanded)) < 1e-5);
    }

    @Test
    void finiteMeansNeitherNanNorInfinite() {
        assertTrue(Aten.allFinite(manager.create(new float[] {0, -1e38f})));
        assertTrue(!Aten.allFinite(manager.create(new float[] {0, Float.NaN})));
        assertTrue(!Aten.allFinite(manager.create(new float[] {Float.NEGATIVE_INFINITY, 0})));
    }

    private static float largest(NDArray x) {
        return x.abs().max().getFloat();
    }
}
