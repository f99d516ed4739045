package org.airelab.kernels.matmul;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;

/** Random operands of a shape, what their product is in float64, and what a CUDA rung makes of it on the CPU. */
record MatmulProblem(MatmulShape shape, DType dtype, MemorySegment a, MemorySegment b, MemorySegment bias,
        MemorySegment c) {
    static MatmulProblem of(MatmulShape shape, DType dtype) {
        return new MatmulProblem(shape, dtype, random((long) shape.m() * shape.k(), 1, dtype),
                random((long) shape.k() * shape.n(), 2, dtype), random(shape.n(), 3, dtype),
                random((long) shape.m() * shape.n(), 4, dtype));
    }

    /** The rung wgmma with one tile alone. */
    static CudaRung<Matmul> wgmma(Tile tile) {
        return new CudaRung<>("wgmma of " + tile, Set.of(DType.FP16, DType.BF16), WgmmaMatmul.HOPPER, true,
                (launcher, dtype) -> CudaMatmuls.wgmma(launcher, dtype, List.of(tile)));
    }

    private static MemorySegment random(long count, long seed, DType dtype) {
        return Native.encode(Native.normal(count, seed, 1), dtype);
    }

    double[] float64() {
        var result = new double[shape.m() * shape.n()];
        for (var i = 0; i < shape.m(); i++) {
            for (var j = 0; j < shape.n(); j++) {
                result[i * shape.n() + j] = element(i, j);
            }
        }
        return result;
    }

    private double element(int i, int j) {
        var sum = 0.0;
        for (var p = 0; p < shape.k(); p++) {
            sum += (double) dtype.get(a, shape.transposeA() ? p * shape.m() + i : i * shape.k() + p)
                    * dtype.get(b, shape.transposeB() ? j * shape.k() + p : p * shape.n() + j);
        }
        var x = shape.alpha() * sum + (shape.bias() ? dtype.get(bias, j) : 0);
        x += shape.beta() == 0 ? 0 : shape.beta() * dtype.get(c, (long) i * shape.n() + j);
        return switch (shape.epilogue()) {
            case NONE -> x;
            case GELU -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case SILU -> x / (1 + Math.exp(-x));
        };
    }

    /** What a rung makes of it. With beta 0, reading C is a fault. */
    MemorySegment run(CudaRung<Matmul> rung, HostLauncher host) {
        var out = shape.beta() == 0 ? host.allocate(c.byteSize()) : host.copy(c);
        rung.on(host, dtype).multiply(shape, host.copy(a), host.copy(b), shape.bias() ? host.copy(bias) : null, out);
        return Native.decode(out, dtype);
    }

    MemorySegment run(CudaRung<Matmul> rung, long seed) {
        try (var host = new HostLauncher(seed)) {
            return run(rung, host);
        }
    }

    /** Root mean square of the differences, relative to that of what was expected. */
    static double error(double[] expected, MemorySegment actual) {
        var difference = 0.0;
        var size = 1e-30;
        for (var i = 0; i < expected.length; i++) {
            difference += Math.pow(expected[i] - Native.get(actual, i), 2);
            size += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / size);
    }

    /** Twice the naive rung's error, or what rounding alone may make of a few values. */
    double limit(double[] expected) {
        var rounding = switch (dtype) {
            case FP32 -> 1e-6;
            case FP16 -> 0x1p-11;
            case BF16 -> 0x1p-8;
        };
        return Math.max(rounding, 2 * error(expected, run(CudaMatmuls.rungs().getFirst(), 0)));
    }
}
