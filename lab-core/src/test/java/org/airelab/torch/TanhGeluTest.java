package org.airelab.torch;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TanhGeluTest {
    private static double share(double x) {
        return Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x));
    }

    /** GELU's slope: (1 + t + x t') / 2 with t' = (1 - t^2) sqrt(2 / pi) (1 + 3 * 0.044715 x^2). */
    private static double slope(double x) {
        double t = share(x);
        return 0.5 * (1 + t + x * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 37, 1000})
    void valuesAndGradientsAreThoseOfTheFormula(int count) {
        long live = Tensor.live();
        try (Arena arena = Arena.ofConfined()) {
            float[] values = new float[count];
            for (int i = 0; i < count; i++) {
                values[i] = 9f * (i + 0.3f) / count - 4;
            }
            try (Tensor x = Tensor.over(arena.allocateFrom(JAVA_FLOAT, values), ScalarType.FLOAT32, 1, count);
                    Tensor y = TanhGelu.forward(x); Tensor dx = TanhGelu.backward(y, x)) {
                assertArrayEquals(new long[] {1, count}, dx.shape());
                float[] actual = y.memory().toArray(JAVA_FLOAT);
                float[] gradient = dx.memory().toArray(JAVA_FLOAT);
                for (int i = 0; i < count; i++) {
                    assertEquals(0.5 * values[i] * (1 + share(values[i])), actual[i], 1e-6);
                    assertEquals(actual[i] * slope(values[i]), gradient[i], 4e-6);
                }
            }
        }
        assertEquals(live, Tensor.live(), "references left open");
    }

    @Test
    void whatIsNoNumberStaysSoAndInfinityIsItself() {
        try (Arena arena = Arena.ofConfined();
                Tensor x = Tensor.over(arena.allocateFrom(JAVA_FLOAT, Float.NaN, Float.POSITIVE_INFINITY),
                        ScalarType.FLOAT32, 2);
                Tensor y = TanhGelu.forward(x)) {
            assertArrayEquals(new float[] {Float.NaN, Float.POSITIVE_INFINITY}, y.memory().toArray(JAVA_FLOAT));
        }
    }

    /** In C++ they would end the JVM. */
    @Test
    void whatAtenWouldThrowForIsRefused() {
        try (Arena arena = Arena.ofConfined();
                Tensor ids = Tensor.over(arena.allocate(16, 8), ScalarType.INT64, 2);
                Tensor pair = Tensor.over(arena.allocate(8, 8), ScalarType.FLOAT32, 2);
                Tensor half = Tensor.over(arena.allocate(4, 8), ScalarType.FLOAT16, 2);
                Tensor one = Tensor.over(arena.allocate(4, 8), ScalarType.FLOAT32, 1)) {
            assertEquals("expected floating-point numbers, found int64",
                    assertThrows(IllegalArgumentException.class, () -> TanhGelu.forward(ids)).getMessage());
            assertEquals("expected a gradient of float32 [2] on cpu(), found float32 [1] on cpu()",
                    assertThrows(IllegalArgumentException.class, () -> TanhGelu.backward(one, pair)).getMessage());
            assertThrows(IllegalArgumentException.class, () -> TanhGelu.backward(half, pair));
        }
    }
}
