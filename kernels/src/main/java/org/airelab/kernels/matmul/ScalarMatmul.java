package org.airelab.kernels.matmul;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Buffers;

/** {@link Matmul} as three plain loops, one sum of float64 after the other: the bottom of the ladder. */
final class ScalarMatmul implements Matmul {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void multiply(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c) {
        Matmul.check(shape, a, b, bias, c, DType.FP32);
        var strides = Strides.of(shape);
        for (var i = 0; i < shape.m(); i++) {
            for (var j = 0; j < shape.n(); j++) {
                var sum = dot(shape.k(), a.address() + i * strides.aRow(), strides.aDepth(),
                        b.address() + j * strides.bColumn(), strides.bDepth());
                finish(shape, sum, i, j, bias, c);
            }
        }
        Buffers.keep(a, b, bias, c);
    }

    private static float dot(int count, long a, long aStep, long b, long bStep) {
        var sum = 0.0;
        for (var p = 0; p < count; p++) {
            sum += (double) get(a) * get(b);
            a += aStep;
            b += bStep;
        }
        return (float) sum;
    }

    /** Makes an element of C of its sum. */
    static void finish(MatmulShape shape, float sum, int i, int j, MemorySegment bias, MemorySegment c) {
        var at = c.address() + 4 * ((long) i * shape.n() + j);
        var x = shape.alpha() * sum;
        if (shape.beta() != 0) {
            x += shape.beta() * get(at);
        }
        if (bias != null) {
            x += get(bias.address() + 4L * j);
        }
        set(at, Epilogues.of(shape.epilogue(), x));
    }
}
