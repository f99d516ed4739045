package org.airelab.kernels.optimizer;

import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Native;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.Mutants;
import org.junit.jupiter.api.Test;

/**
 * The CUDA ladders of the optimizers, executed on the CPU: they have to give the bits of the vector rungs, which
 * {@link OptimizerTest} compares with float64.
 */
class CudaOptimizerTest {
    /** Several of the vectorized rung's blocks. */
    private static final int MANY = 5_011;

    /** An optimizer with settings: weights, gradient and states are what it steps on. */
    private record Case<R extends Rung>(Family<R> family, int states, Stepper<R> stepper) {
        List<float[]> stepped(R rung, int count, UpdateRange range, UnaryOperator<MemorySegment> place) {
            var arrays = new ArrayList<>(List.of(place.apply(normal(count, 1, 1)), place.apply(zeros(count))));
            for (var i = 0; i < states; i++) {
                arrays.add(place.apply(zeros(count)));
            }
            for (var step = 1; step <= 3; step++) {
                var gradient = normal(count, 10 + step, 1);
                if (count > 8) {
                    Native.set(gradient, 3, step == 2 ? Float.NaN : 1);
                    Native.set(gradient, 4, step == 2 ? Float.POSITIVE_INFINITY : 1);
                }
                arrays.get(1).copyFrom(gradient);
                stepper.step(rung, step, range, arrays);
            }
            return arrays.stream().map(Native::array).toList();
        }

        void check(HostLauncher host, int rung, int count, int from, int to, long shift) {
            var range = new UpdateRange(from, to, 0.5f);
            var expected = stepped(family.rungs().getLast(), count, range, Native::copy);
            var cuda = family.cudaRungs().get(rung);
            var actual = stepped(cuda.on(host, DType.FP32), count, range, segment -> host.copy(segment, shift));
            for (var i = 0; i < expected.size(); i++) {
                assertArrayEquals(expected.get(i), actual.get(i),
                        family + " " + cuda.name() + " " + count + " " + range + " array " + i);
            }
        }
    }

    private interface Stepper<R extends Rung> {
        void step(R rung, long step, UpdateRange range, List<MemorySegment> arrays);
    }

    private static Case<Adam> adam(boolean decoupled) {
        var settings = new AdamSettings(0.01, 0.9, 0.95, 1e-8, 0.1, decoupled);
        return new Case<>(Adam.FAMILY, 2, (rung, step, range, a) ->
                rung.step(settings, step, range, a.get(0), a.get(1), a.get(2), a.get(3)));
    }

    private static Case<Sgd> sgd(SgdSettings settings) {
        return new Case<>(Sgd.FAMILY, settings.momentum() == 0 ? 0 : 1, (rung, step, range, a) ->
                rung.step(settings, step, range, a.get(0), a.get(1), a.size() > 2 ? a.get(2) : null));
    }

    private static Case<RmsProp> rmsProp(double momentum, boolean centered) {
        var settings = new RmsPropSettings(0.01, 0.9, 1e-3, 0.05, momentum, centered);
        return new Case<>(RmsProp.FAMILY, 1 + (centered ? 1 : 0) + (momentum == 0 ? 0 : 1), (rung, step, range, a) ->
                rung.step(settings, range, a.get(0), a.get(1), a.get(2), centered ? a.get(3) : null,
                        momentum == 0 ? null : a.getLast()));
    }

    private static List<Case<?>> cases() {
        return List.of(adam(true), adam(false), sgd(new SgdSettings(0.01, 0, 0, 0.05, false)),
                sgd(new SgdSettings(0.01, 0.9, 0.1, 0.05, false)), sgd(new SgdSettings(0.01, 0.9, 0, 0.05, true)),
                rmsProp(0, false), rmsProp(0.8, false), rmsProp(0, true), rmsProp(0.8, true));
    }

    @Test
    void everyRungGivesTheBitsOfTheVectors() {
        for (var optimizer : cases()) {
            for (var rung = 0; rung < optimizer.family.cudaRungs().size(); rung++) {
                try (var host = new HostLauncher(rung)) {
                    for (var count : new int[] {1, 3, 4, 5, 9, 257, MANY}) {
                        optimizer.check(host, rung, count, 0, count, 0);
                    }
                }
            }
        }
    }

    /** Of the ranges, one is empty, and the others begin and end within chunks of 16 bytes. */
    @Test
    void onlyTheRangeIsTouchedWhereverTheMemoryBegins() {
        for (var optimizer : cases()) {
            for (var rung = 0; rung < optimizer.family.cudaRungs().size(); rung++) {
                try (var host = new HostLauncher(rung)) {
                    for (var shift : new long[] {0, 4, 12}) {
                        optimizer.check(host, rung, 40, 3, 22, shift);
                        optimizer.check(host, rung, 40, 5, 6, shift);
                        optimizer.check(host, rung, 40, 8, 40, shift);
                        optimizer.check(host, rung, 40, 7, 7, shift);
                    }
                }
            }
        }
    }

    /** A flat memory may hold the weights at another place within 16 bytes than the states. */
    @Test
    void arraysMayBeginDifferently() {
        for (CudaRung<Adam> rung : Adam.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var shifts = new long[] {4, 0, 8, 12};
                var at = new int[1];
                var range = UpdateRange.all(101);
                var actual = adam(true).stepped(rung.on(host, DType.FP32), 101, range,
                        segment -> host.copy(segment, shifts[at[0]++]));
                var expected = adam(true).stepped(Adam.FAMILY.rungs().getLast(), 101, range, Native::copy);
                for (var i = 0; i < 4; i++) {
                    assertArrayEquals(expected.get(i), actual.get(i), rung.name());
                }
            }
        }
    }

    @Test
    void argumentsAreChecked() {
        for (var rung : Adam.FAMILY.cudaRungs()) {
            assertThrows(IllegalArgumentException.class, () -> rung.on(null, DType.FP16));
            try (var host = new HostLauncher(1)) {
                var settings = new AdamSettings(0.01, 0.9, 0.95, 1e-8, 0.1, true);
                var adam = rung.on(host, DType.FP32);
                assertThrows(IllegalArgumentException.class, () -> adam.step(settings, 1, UpdateRange.all(5), zeros(4),
                        zeros(4), zeros(4), zeros(4)));
                assertThrows(IllegalArgumentException.class, () -> adam.step(settings, 0, UpdateRange.all(4), zeros(4),
                        zeros(4), zeros(4), zeros(4)));
            }
        }
    }

    /** On a range that begins and ends within chunks of 16 bytes. */
    private static void assertKilled(Case<?> optimizer, int rung, String original, String replacement) {
        Mutants.assertKilled(original, replacement, host -> optimizer.check(host, rung, MANY, 4, MANY - 2, 4));
    }

    @Test
    void aBugInAKernelIsFound() {
        assertKilled(adam(true), 0, "if (i < count)", "if (i <= count)");
        assertKilled(adam(true), 1, "store_chunk(first, at, count, m)", "store_chunk(first, at, count, v)");
        assertKilled(adam(true), 1, "load_chunk(v, second, at", "load_chunk(v, first, at");
        assertKilled(adam(true), 1, "store_chunk(second, at, count, v);\n", "");
        assertKilled(adam(true), 1, "if (at + i >= 0 && at + i < width)", "if (at + i < width)");
        assertKilled(adam(true), 1, "if (at + i >= 0 && at + i < width)", "if (at + i >= 0)");
        assertKilled(adam(true), 1, "* CHUNK - misaligned", "* (CHUNK + 1) - misaligned");
        assertKilled(adam(true), 1, "second * beta2", "second");
        assertKilled(adam(true), 1, "weight * shrink", "weight");
        assertKilled(adam(false), 1, "fmaf(w, coupled_decay, gradient * gradient_scale)", "gradient * gradient_scale");
        assertKilled(adam(true), 1, "gradient * gradient_scale", "gradient");
        var nesterov = sgd(new SgdSettings(0.01, 0.9, 0, 0.05, true));
        assertKilled(nesterov, 1, "store_chunk(velocity, at, count, u)", "store_chunk(velocity, at, count, w)");
        assertKilled(nesterov, 0, "g * gradient_share", "0.0f");
        assertKilled(nesterov, 0, "velocity * keep", "velocity");
        assertKilled(rmsProp(0.8, true), 1, "store_chunk(mean, at, count, a)", "store_chunk(mean, at, count, u)");
        assertKilled(rmsProp(0.8, true), 1, "fmaf(-*mean, *mean, variance)", "variance");
        assertKilled(rmsProp(0.8, true), 0, "velocity == nullptr ? nullptr : velocity + i", "velocity");
    }

    /** The check above sees single bits. */
    @Test
    void otherRoundingIsFound() {
        assertKilled(adam(true), 1, "fmaf(g - first, new_gradient, first)", "first + (g - first) * new_gradient");
        assertKilled(rmsProp(0.8, true), 1, "fmaf(g * g, fresh, squares * alpha)", "fresh * (g * g) + squares * alpha");
    }
}
