package org.airelab.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.ValueLayout;
import org.airelab.base.UserError;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CustomFunctionTest {
    private NDManager manager;
    private long liveBefore;
    private int functionsBefore;
    private SquareTimes function;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        liveBefore = Tensor.live();
        functionsBefore = CustomFunction.live();
        function = new SquareTimes();
    }

    @AfterEach
    void close() {
        manager.close();
        function.close();
        assertEquals(liveBefore, Tensor.live(), "references of the bridge left open");
        assertEquals(functionsBefore, CustomFunction.live(), "functions left registered");
    }

    /** y = x^2 w, gradients 2 x w and x^2, all in Java. */
    private static final class SquareTimes extends CustomFunction {
        private RuntimeException failure;

        @Override
        protected Result forward(Made made, Tensor x, Tensor w) {
            Tensor y = made.like(x, x.shape());
            made.floatsBeside(x, 3); // not returned: it must not stay open
            for (int i = 0; i < x.elements(); i++) {
                set(y, i, at(x, i) * at(x, i) * at(w, i));
            }
            return new Result(y, x.share());
        }

        @Override
        protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor w, Tensor saved) {
            Tensor dx = made.like(x, x.shape());
            Tensor dw = made.like(x, x.shape());
            if (failure != null) {
                throw failure;
            }
            for (int i = 0; i < x.elements(); i++) {
                set(dx, i, 2 * at(dy, i) * at(saved, i) * at(w, i));
                set(dw, i, at(dy, i) * at(saved, i) * at(saved, i));
            }
            return new Gradients(dx, dw);
        }

        private static float at(Tensor t, int i) {
            return t.memory().getAtIndex(ValueLayout.JAVA_FLOAT, i);
        }

        private static void set(Tensor t, int i, float value) {
            t.memory().setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        }
    }

    @Test
    void functionsInJavaAreDifferentiated() {
        NDArray x = manager.create(new float[] {1, -2, 3});
        NDArray w = manager.create(new float[] {4, 5, 6});
        x.setRequiresGradient(true);
        w.setRequiresGradient(true);
        try (Autograd.Mode mode = Autograd.recording()) {
            NDArray y = function.apply(manager, x, w);
            assertArrayEquals(new float[] {4, 20, 54}, y.toFloatArray());
            // A broadcast gradient is not contiguous: the door must make it so.
            NDArray sum = y.sum();
            Autograd.backward(sum, Autograd.one(manager, sum));
        }
        assertArrayEquals(new float[] {8, -20, 36}, x.getGradient().toFloatArray());
        assertArrayEquals(new float[] {1, 4, 9}, w.getGradient().toFloatArray());
    }

    @Test
    void argumentsNeedNotBeContiguous() {
        NDArray x = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3));
        x.setRequiresGradient(true);
        try (Autograd.Mode mode = Autograd.recording()) {
            NDArray turned = Aten.transpose(manager, x, 0, 1);
            NDArray y = function.apply(manager, turned, manager.ones(new Shape(2, 3)).transpose());
            assertArrayEquals(new float[] {1, 16, 4, 25, 9, 36}, y.toFloatArray());
            Autograd.backward(y, y.onesLike());
        }
        assertArrayEquals(new float[] {2, 4, 6, 8, 10, 12}, x.getGradient().toFloatArray());
    }

    @Test
    void failuresReachTheCallerAndLeaveNothingBehind() {
        NDArray x = manager.ones(new Shape(3));
        x.setRequiresGradient(true);
        NDArray tooShort = manager.ones(new Shape(2));
        try (Autograd.Mode mode = Autograd.recording()) {
            EngineException forward = assertThrows(EngineException.class, () -> function.apply(manager, x, tooShort));
            assertTrue(forward.getCause() instanceof IndexOutOfBoundsException, String.valueOf(forward.getCause()));
            NDArray y = function.apply(manager, x, x);
            function.failure = new IllegalStateException("refused on purpose");
            EngineException backward = assertThrows(EngineException.class, () -> Autograd.backward(y, y.onesLike()));
            assertTrue(backward.getMessage().contains("refused on purpose"), backward.getMessage());
            NDArray again = function.apply(manager, x, x);
            function.failure = UserError.machine("no room", "Make some.");
            assertSame(function.failure, assertThrows(UserError.class,
                    () -> Autograd.backward(again, again.onesLike())));
        }
    }

    @Test
    void aClosedFunctionIsForgotten() {
        NDArray x = manager.ones(new Shape(3));
        function.close();
        EngineException e = assertThrows(EngineException.class, () -> function.apply(manager, x, x));
        assertTrue(e.getMessage().contains("the function was closed"), e.getMessage());
        try (SquareTimes other = new SquareTimes()) {
            assertArrayEquals(new float[] {1, 1, 1}, other.apply(manager, x, x).toFloatArray());
        }
    }

    @Test
    void aThousandStepsLeaveNothingBehind() {
        NDArray p = manager.ones(new Shape(16));
        p.setRequiresGradient(true);
        long before = -1;
        for (int step = 0; step < 1000; step++) {
            if (step == 10) {
                before = manager.getManagedArrays().size();
            }
            try (NDManager scope = manager.newSubManager(); Autograd.Mode mode = Autograd.recording()) {
                NDArray leaf = Autograd.leaf(scope, p);
                NDArray y = function.apply(scope, leaf, leaf);
                Autograd.backward(y, Aten.silu(scope, y));
                Autograd.gradient(scope, leaf);
            }
        }
        assertEquals(before, manager.getManagedArrays().size());
        assertEquals(liveBefore, Tensor.live());
    }
}
