package org.airelab.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PairFunctionTest {
    private NDManager manager;
    private long liveBefore;
    private int functionsBefore;
    private WeightedSum function;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        liveBefore = Tensor.live();
        functionsBefore = JavaFunction.live();
        function = new WeightedSum(1);
    }

    @AfterEach
    void close() {
        manager.close();
        function.close();
        assertEquals(liveBefore, Tensor.live(), "references of the bridge left open");
        assertEquals(functionsBefore, JavaFunction.live(), "functions left registered");
    }

    /** s = x + y in y's memory, and z = factor s w + b. */
    private static final class WeightedSum extends PairFunction {
        private final float factor;
        private RuntimeException failure;

        WeightedSum(float factor) {
            this.factor = factor;
        }

        @Override
        protected Results forward(Made made, Tensor x, Tensor y, Tensor w, Tensor b) {
            Tensor z = made.like(x, x.shape());
            Tensor s = made.add((y == null ? x : y).view(0, x.shape()));
            Tensor saved = made.floatsBeside(x, 2);
            for (int i = 0; i < x.elements(); i++) {
                set(s, i, at(x, i) + (y == null ? 0 : at(y, i)));
                set(z, i, factor * at(s, i) * at(w, i) + (b == null ? 0 : at(b, i)));
            }
            set(saved, 0, at(z, 0));
            set(saved, 1, 7);
            return new Results(z, s, saved);
        }

        @Override
        protected Gradients backward(Made made, Tensor dz, Tensor ds, Tensor w, Tensor s, Tensor saved,
                boolean biased) {
            if (failure != null) {
                throw failure;
            }
            assertEquals(7, at(saved, 1));
            Tensor dxy = made.like(s, s.shape());
            Tensor dw = made.like(s, s.shape());
            for (int i = 0; i < s.elements(); i++) {
                set(dxy, i, factor * at(dz, i) * at(w, i) + at(ds, i));
                set(dw, i, factor * at(dz, i) * at(s, i));
            }
            return new Gradients(dxy, dw, biased ? made.add(Aten.copy(dz)) : null);
        }

        private static float at(Tensor t, int i) {
            return t.memory().getAtIndex(ValueLayout.JAVA_FLOAT, i);
        }

        private static void set(Tensor t, int i, float value) {
            t.memory().setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        }
    }

    private NDArray leaf(float... values) {
        NDArray leaf = manager.create(values);
        leaf.setRequiresGradient(true);
        return leaf;
    }

    /** 3 z + s^2, so that both results have a gradient. */
    private static void backward(PairFunction.Pair pair) {
        NDArray loss = pair.first().mul(pair.first().onesLike().mul(3)).add(pair.second().square()).sum();
        Autograd.backward(loss, loss.onesLike());
    }

    @Test
    void bothResultsAreDifferentiated() {
        NDArray x = leaf(1, -2, 3);
        NDArray y = leaf(4, 5, 6);
        NDArray w = leaf(7, 8, 9);
        NDArray b = leaf(10, 20, 30);
        try (Autograd.Mode mode = Autograd.recording(); WeightedSum twice = new WeightedSum(2)) {
            PairFunction.Pair pair = twice.apply(manager, x, Aten.scale(manager, y, 1), w, b);
            assertArrayEquals(new float[] {5, 3, 9}, pair.second().toFloatArray());
            assertArrayEquals(new float[] {80, 68, 192}, pair.first().toFloatArray());
            backward(pair);
        }
        assertArrayEquals(new float[] {6 * 7 + 10, 6 * 8 + 6, 6 * 9 + 18}, x.getGradient().toFloatArray());
        assertArrayEquals(x.getGradient().toFloatArray(), y.getGradient().toFloatArray());
        assertArrayEquals(new float[] {30, 18, 54}, w.getGradient().toFloatArray());
        assertArrayEquals(new float[] {3, 3, 3}, b.getGradient().toFloatArray());
        assertArrayEquals(new float[] {4, 5, 6}, y.toFloatArray());
    }

    @Test
    void secondArgumentAndBiasAreOptional() {
        NDArray x = leaf(1, -2, 3);
        NDArray w = leaf(7, 8, 9);
        try (Autograd.Mode mode = Autograd.recording()) {
            PairFunction.Pair pair = function.apply(manager, x, null, w, null);
            assertArrayEquals(new float[] {7, -16, 27}, pair.first().toFloatArray());
            backward(pair);
        }
        assertArrayEquals(new float[] {23, 20, 33}, x.getGradient().toFloatArray());
        assertArrayEquals(new float[] {3, -6, 9}, w.getGradient().toFloatArray());
    }

    @Test
    void whatIsNotRecordedIsComputed() {
        try (Autograd.Mode mode = Autograd.notRecording()) {
            PairFunction.Pair pair = function.apply(manager, leaf(1, 2), manager.create(new float[] {3, 4}), leaf(5, 6),
                    leaf(7, 8));
            assertArrayEquals(new float[] {27, 44}, pair.first().toFloatArray());
            assertArrayEquals(new float[] {4, 6}, pair.second().toFloatArray());
        }
    }

    @Test
    void failuresReachTheCallerAndLeaveNothingBehind() {
        NDArray x = leaf(1, 2, 3);
        try (Autograd.Mode mode = Autograd.recording()) {
            NDArray tooShort = manager.ones(new Shape(2));
            EngineException forward = assertThrows(EngineException.class,
                    () -> function.apply(manager, x, null, tooShort, null));
            assertTrue(forward.getCause() instanceof IndexOutOfBoundsException, String.valueOf(forward.getCause()));
            PairFunction.Pair pair = function.apply(manager, x, null, x, null);
            function.failure = new IllegalStateException("refused on purpose");
            EngineException backward = assertThrows(EngineException.class, () -> backward(pair));
            assertTrue(backward.getMessage().contains("refused on purpose"), backward.getMessage());
        }
    }

    /** Autograd gives no gradient for a result that nobody uses, and a function is not asked to do without. */
    @Test
    void bothResultsMustBeUsed() {
        try (Autograd.Mode mode = Autograd.recording()) {
            NDArray first = function.apply(manager, leaf(1, 2), null, leaf(3, 4), null).first();
            EngineException e = assertThrows(EngineException.class, () -> Autograd.backward(first, first.onesLike()));
            assertTrue(e.getMessage().contains("both results"), e.getMessage());
        }
    }

    @Test
    void aThousandStepsLeaveNothingBehind() {
        NDArray p = leaf(1, 2, 3, 4);
        long before = -1;
        for (int step = 0; step < 1000; step++) {
            if (step == 10) {
                before = manager.getManagedArrays().size();
            }
            try (NDManager scope = manager.newSubManager(); Autograd.Mode mode = Autograd.recording()) {
                NDArray x = Autograd.leaf(scope, p);
                PairFunction.Pair pair = function.apply(scope, x, Aten.silu(scope, x), x, x);
                NDArray y = Aten.linear(scope, pair.first(), pair.second().reshape(1, 4), null);
                Autograd.backward(y, Aten.silu(scope, y));
                Autograd.gradient(scope, x);
            }
        }
        assertEquals(before, manager.getManagedArrays().size());
        assertEquals(liveBefore, Tensor.live());
    }
}
