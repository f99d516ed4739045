package org.airelab.kernels.roofline;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;

/**
 * Keeps all of a GPU's arithmetic units of one kind busy, out of registers (wgmma: of shared memory), to find how many
 * operations a second they reach: the horizontal part of the roofline (Williams, Waterman and Patterson, 2009).
 */
public final class PeakKernel {
    /** Products or sums of each thread, warp or warp group: about half a millisecond of work on an H100. */
    private static final int STEPS = 8192;
    private static final int THREADS = 256;
    private static final int WARPS = THREADS / 32;
    private static final int HOPPER = 90;
    private static final int BLACKWELL = 100;

    private final Launcher launcher;
    private final Launch launch;
    private final double flops;
    private final float operand;

    private PeakKernel(Launcher launcher, Launch launch, double flopsOfABlock, float operand) {
        this.launcher = launcher;
        this.launch = launch;
        this.flops = flopsOfABlock * launch.gridX();
        this.operand = operand;
    }

    /**
     * The fastest units that multiply elements of a type: for fp32 the multiprocessors' own, for the half types their
     * tensor cores, by wgmma on Hopper and elsewhere by mma.sync. On Blackwell mma.sync is not the peak.
     */
    public static PeakKernel of(Launcher launcher, DType dtype) {
        if (dtype == DType.FP32) {
            return fma(launcher, STEPS);
        }
        return launcher.architecture() >= HOPPER && launcher.architecture() < BLACKWELL
                ? wgmma(launcher, dtype, STEPS / 8) : mma(launcher, dtype, STEPS / 4);
    }

    /** Fused multiply-adds; {@code steps} is a multiple of 16. */
    static PeakKernel fma(Launcher launcher, int steps) {
        KernelSource source = KernelSource.of("roofline/fma.cu").with("STEPS", steps);
        return new PeakKernel(launcher, Launch.of(source, "roofline_fma", 8 * launcher.multiprocessors(), THREADS),
                2.0 * 8 * steps * THREADS, 0.75f);
    }

    static PeakKernel mma(Launcher launcher, DType dtype, int steps) {
        KernelSource source = KernelSource.of("roofline/mma.cu", dtype).with("STEPS", steps);
        return new PeakKernel(launcher, Launch.of(source, "roofline_mma", 2 * launcher.multiprocessors(), THREADS),
                2.0 * 16 * 8 * 16 * 8 * steps * WARPS, 0.5f);
    }

    static PeakKernel wgmma(Launcher launcher, DType dtype, int steps) {
        KernelSource source = KernelSource.of("roofline/wgmma.cu", dtype).with("STEPS", steps);
        int shared = (64 + 256) * 64 * dtype.bytes();
        return new PeakKernel(launcher, Launch.of(source, "roofline_wgmma", launcher.multiprocessors(), THREADS)
                .withShared(shared), 2.0 * 64 * 256 * 64 * steps * 2, 0.0625f);
    }

    /** Floating-point operations of a call. */
    public double flops() {
        return flops;
    }

    /** Bytes of the memory that a call writes, so that no compiler leaves the work out: a float a thread. */
    public long bytes() {
        return (long) launch.gridX() * THREADS * Float.BYTES;
    }

    /** Enqueues a call; {@code out} has {@link #bytes}. */
    public void run(MemorySegment out) {
        launcher.launch(launch, out, operand);
    }
}
