package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Parallel;

/**
 * {@link GradientNorm} four float64 lanes at a time on all cores.
 *
 * <p>Measured on 2 cores of an AMD EPYC (Zen 4) server (benchmarks/reports/20261126-AMD-EPYC), 131,072 elements of
 * float32: 9.23 us where the scalar rung took 108 us.
 */
final class VectorGradientNorm implements GradientNorm {
    private static final int ELEMENTS = 16384;

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public boolean available() {
        return Lanes.available();
    }

    @Override
    public void sumOfSquares(MemorySegment values, long count, MemorySegment sum) {
        GradientNorm.check(values, count, sum, DType.FP32);
        var partials = new double[Parallel.pieces(count, ELEMENTS)];
        Parallel.forPieces(count, ELEMENTS, (task, from, to) ->
                partials[task] = sumOfSquares(values.address() + 4 * from, (int) (to - from)));
        var total = 0.0;
        for (var partial : partials) {
            total += partial;
        }
        sum.set(JAVA_DOUBLE_UNALIGNED, 0, total);
    }

    private static double sumOfSquares(long values, int count) {
        // Four sums, as each addition waits for the one before it.
        var first = DoubleVector.zero(DoubleVector.SPECIES_256);
        var second = first;
        var third = first;
        var fourth = first;
        var i = 0;
        for (; i + 16 <= count; i += 16) {
            var a = Lanes.loadAsDoubles(values + 4L * i);
            var b = Lanes.loadAsDoubles(values + 4L * i + 16);
            var c = Lanes.loadAsDoubles(values + 4L * i + 32);
            var d = Lanes.loadAsDoubles(values + 4L * i + 48);
            first = a.fma(a, first);
            second = b.fma(b, second);
            third = c.fma(c, third);
            fourth = d.fma(d, fourth);
        }
        var sum = first.add(second).add(third.add(fourth));
        var total = sum.lane(0) + sum.lane(1) + (sum.lane(2) + sum.lane(3));
        for (; i < count; i++) {
            var value = (double) Lanes.get(values + 4L * i);
            total += value * value;
        }
        return total;
    }
}
