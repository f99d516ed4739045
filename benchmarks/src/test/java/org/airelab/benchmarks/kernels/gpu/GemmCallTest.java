package org.airelab.benchmarks.kernels.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.airelab.benchmarks.kernels.workload.Operand;
import org.airelab.kernels.matmul.Matmul;
import org.airelab.kernels.matmul.MatmulShape;
import org.junit.jupiter.api.Test;

class GemmCallTest {
    private static float[] normal(Arena arena, long count, long seed, MemorySegment[] memory) {
        memory[0] = arena.allocate(4 * count, 8);
        Operand.normal("x", count).fill(memory[0], new SplittableRandom(seed));
        return memory[0].toArray(ValueLayout.JAVA_FLOAT);
    }

    /** What cublasSgemm does, column-major, as its documentation says. */
    private static float[] columnMajor(GemmCall g, float alpha, float[] first, float[] second, float beta, float[] c) {
        float[] result = c.clone();
        for (int i = 0; i < g.m(); i++) {
            for (int j = 0; j < g.n(); j++) {
                double sum = 0;
                for (int p = 0; p < g.k(); p++) {
                    double x = first[g.transposeFirst() ? p + i * g.ldFirst() : i + p * g.ldFirst()];
                    double y = second[g.transposeSecond() ? j + p * g.ldSecond() : p + j * g.ldSecond()];
                    sum += x * y;
                }
                int at = i + j * g.ldResult();
                result[at] = (float) (alpha * sum + beta * c[at]);
            }
        }
        return result;
    }

    @Test
    void allTranspositionsOfRowMajorMatricesAreTheReferences() {
        for (int transposes = 0; transposes < 4; transposes++) {
            MatmulShape shape = new MatmulShape(5, 7, 3, transposes % 2 == 1, transposes / 2 == 1, 1.5f, -0.5f, false,
                    MatmulShape.Epilogue.NONE);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment[] memory = new MemorySegment[1];
                float[] a = normal(arena, 15, 1, memory);
                MemorySegment aMemory = memory[0];
                float[] b = normal(arena, 21, 2, memory);
                MemorySegment bMemory = memory[0];
                float[] c = normal(arena, 35, 3, memory);
                float[] found = columnMajor(GemmCall.of(shape), shape.alpha(), b, a, shape.beta(), c);
                Matmul.FAMILY.reference().multiply(shape, aMemory, bMemory, null, memory[0]);
                for (int i = 0; i < found.length; i++) {
                    assertEquals(memory[0].getAtIndex(ValueLayout.JAVA_FLOAT, i), found[i], 1e-5f, shape + " at " + i);
                }
            }
        }
    }

    @Test
    void whatNoBlasDoesIsRefused() {
        MatmulShape gelu = new MatmulShape(5, 7, 3, false, false, 1, 0, false, MatmulShape.Epilogue.GELU);
        assertThrows(IllegalArgumentException.class, () -> GemmCall.of(gelu));
        MatmulShape bias = new MatmulShape(5, 7, 3, false, false, 1, 0, true, MatmulShape.Epilogue.NONE);
        assertThrows(IllegalArgumentException.class, () -> GemmCall.of(bias));
    }
}
