package org.airelab.kernels.roofline;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.IntFunction;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.LaunchRecorder;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.shim.HostLauncher;
import org.junit.jupiter.api.Test;

class PeakKernelTest {
    private static float[] run(IntFunction<PeakKernel> maker, HostLauncher launcher, int steps) {
        PeakKernel peak = maker.apply(steps);
        MemorySegment out = launcher.allocate(peak.bytes());
        peak.run(out);
        return out.toArray(JAVA_FLOAT);
    }

    @Test
    void eachThreadDoesItsMultiplyAdds() {
        try (HostLauncher launcher = new HostLauncher(1)) {
            float[] out = run(steps -> PeakKernel.fma(launcher, steps), launcher, 32);
            for (int thread = 0; thread < out.length; thread++) {
                float total = 0;
                for (int s = 0; s < 8; s++) {
                    float sum = thread % 256 + s + 1;
                    for (int step = 0; step < 32; step++) {
                        sum = Math.fma(sum, 0.75f, 1);
                    }
                    total += sum;
                }
                assertEquals(total, out[thread], 1e-4f * total, "thread " + thread);
            }
        }
    }

    /** As many products as steps: twice the steps, twice the sums; and sums that are no zeros. */
    @Test
    void eachStepIsAProduct() {
        for (DType dtype : List.of(DType.FP16, DType.BF16)) {
            try (HostLauncher launcher = new HostLauncher(2)) {
                IntFunction<PeakKernel> maker = steps -> PeakKernel.mma(launcher, dtype, steps);
                float[] once = run(maker, launcher, 1);
                float[] thrice = run(maker, launcher, 3);
                double size = 0;
                for (int i = 0; i < once.length; i++) {
                    assertEquals(3 * once[i], thrice[i], 1e-3f * (1 + Math.abs(once[i])));
                    size += Math.abs(once[i]);
                }
                assertTrue(size > once.length, "sums of " + size / once.length);
            }
        }
    }

    /** Every row of the one tile by every row of the other, as often as there are steps. */
    @Test
    void eachStepOfAWarpGroupIsAProductOfTheTiles() {
        for (DType dtype : List.of(DType.FP16, DType.BF16)) {
            try (HostLauncher launcher = new HostLauncher(1)) {
                float[] out = run(steps -> PeakKernel.wgmma(launcher, dtype, steps), launcher, 2);
                double sum = 0;
                for (int i = 0; i < 128; i++) {
                    assertEquals(out[i], out[128 + i], 0, "the two groups do the same");
                    sum += out[i];
                }
                double expected = 0;
                for (int k = 0; k < 64; k++) {
                    double a = 0;
                    double b = 0;
                    for (int row = 0; row < 320; row++) {
                        double element = 0.0625 * (((row * 64 + swizzled(row, k)) * 37 % 61) - 30);
                        if (row < 64) {
                            a += element;
                        } else {
                            b += element;
                        }
                    }
                    expected += 2 * a * b;
                }
                assertEquals(expected, sum, 1e-3 * (1 + Math.abs(expected)));
            }
        }
    }

    /** Where element k of a line of 64 lies: its piece of 8 elements by the line's number within 8. */
    private static int swizzled(int row, int k) {
        return k ^ row % 8 * 8;
    }

    private static KernelSource source(int architecture, DType dtype) {
        LaunchRecorder recorder = new LaunchRecorder(architecture, 100);
        PeakKernel.of(recorder, dtype).run(MemorySegment.NULL);
        return recorder.sources().iterator().next();
    }

    @Test
    void theUnitsOfTheArchitectureAreChosen() {
        for (int architecture : new int[] {80, 90, 100}) {
            assertEquals("roofline/fma.cu", source(architecture, DType.FP32).name());
            assertEquals(architecture == 90 ? "roofline/wgmma.cu" : "roofline/mma.cu",
                    source(architecture, DType.BF16).name());
        }
    }

    @Test
    void operationsAreCountedForTheWholeGrid() {
        Launcher hopper = new LaunchRecorder(90, 132);
        assertEquals(132 * 8 * 256 * 8 * 2.0 * 16, PeakKernel.fma(hopper, 16).flops());
        assertEquals(4L * 132 * 8 * 256, PeakKernel.fma(hopper, 16).bytes());
        // Eight warps of two blocks on each multiprocessor, eight tiles each, 16 x 8 x 16 multiply-adds a step.
        assertEquals(132 * 2 * 8 * 8 * 2.0 * 16 * 8 * 16 * 5, PeakKernel.mma(hopper, DType.BF16, 5).flops());
        // Two warp groups, 64 x 256 x 64 a step, an eighth of 8192 steps.
        assertEquals(132 * 2 * 2.0 * 64 * 256 * 64 * 1024, PeakKernel.of(hopper, DType.FP16).flops());
    }
}
