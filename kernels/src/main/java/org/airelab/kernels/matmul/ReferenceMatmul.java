package org.airelab.kernels.matmul;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** {@link Matmul} in float64, one element after the other, as the formula reads. */
final class ReferenceMatmul implements Matmul {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void multiply(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c) {
        Matmul.check(shape, a, b, bias, c, DType.FP32);
        var strides = Strides.of(shape);
        for (var i = 0; i < shape.m(); i++) {
            for (var j = 0; j < shape.n(); j++) {
                var sum = 0.0;
                for (var p = 0; p < shape.k(); p++) {
                    sum += get(a, i * strides.aRow() + p * strides.aDepth())
                            * get(b, p * strides.bDepth() + j * strides.bColumn());
                }
                var at = 4 * ((long) i * shape.n() + j);
                var x = shape.alpha() * sum;
                if (shape.beta() != 0) {
                    x += shape.beta() * get(c, at);
                }
                if (shape.bias()) {
                    x += get(bias, 4L * j);
                }
                c.set(JAVA_FLOAT_UNALIGNED, at, (float) Epilogues.of(shape.epilogue(), x));
            }
        }
    }

    private static double get(MemorySegment segment, long offset) {
        return segment.get(JAVA_FLOAT_UNALIGNED, offset);
    }
}
