package org.airelab.benchmarks.kernels.workload;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.torch.Operator;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.Test;

class AttentionBaselineTest {
    private static final AttentionShape SHAPE = new AttentionShape(2, 19, 3, 3, 8, true);
    private static final Operator TRANSPOSE = Operator.of("aten::transpose", "int");

    /** libtorch's gradients come as three tensors, which reports cannot compare: so they are compared here. */
    @Test
    void libtorchsGradientsAreTheReferences() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment dOut = normal(arena, SHAPE.outSize(), 1);
            MemorySegment qkv = normal(arena, SHAPE.packedSize(), 2);
            MemorySegment out = arena.allocate(4 * SHAPE.outSize(), 64);
            MemorySegment lse = arena.allocate(4 * SHAPE.lseSize(), 64);
            MemorySegment dQkv = arena.allocate(4 * SHAPE.packedSize(), 64);
            Attention.FAMILY.reference().forward(SHAPE, qkv, out, lse);
            Attention.FAMILY.reference().backward(SHAPE, dOut, qkv, out, lse, dQkv);
            Tensor[] operands = {tensor(dOut, SHAPE.outWidth()), tensor(qkv, SHAPE.packedWidth()),
                tensor(out, SHAPE.outWidth()),
                Tensor.over(lse, ScalarType.FLOAT32, SHAPE.batch(), SHAPE.heads(), SHAPE.time())};
            Tensor[] gradients = AttentionWorkloads.flashGradients(SHAPE, operands).get();
            for (int i = 0; i < 3; i++) {
                try (Tensor gradient = gradients[i];
                        Tensor rows = TRANSPOSE.call().tensor(gradient).integer(1).integer(2).tensors(1)[0]) {
                    assertArrayEquals(part(dQkv, i), rows.memory().toArray(JAVA_FLOAT), 2e-5f);
                }
            }
        }
    }

    private static MemorySegment normal(Arena arena, long count, long seed) {
        MemorySegment memory = arena.allocate(4 * count, 64);
        Operand.normal("x", count).fill(memory, new SplittableRandom(seed));
        return memory;
    }

    private static Tensor tensor(MemorySegment memory, long width) {
        return Tensor.over(memory, ScalarType.FLOAT32, SHAPE.batch(), SHAPE.time(), width);
    }

    /** The queries', keys' or values' gradients of packed rows. */
    private static float[] part(MemorySegment packed, int part) {
        int width = SHAPE.outWidth();
        int rows = SHAPE.batch() * SHAPE.time();
        float[] values = new float[rows * width];
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(packed, JAVA_FLOAT, 4L * (row * 3 + part) * width, values, row * width, width);
        }
        return values;
    }
}
