package org.airelab.kernels.matmul;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.Swizzle;
import org.airelab.kernels.cuda.TensorMap;

/**
 * {@link Matmul} by Hopper's wgmma and Tensor Memory Accelerator, as {@link WgmmaSchedule} shares it out. Tensor maps
 * ask for matrices at addresses and with rows that are multiples of 16 bytes: any other A or B, and any device but of
 * compute capability 9.0, is left to the rung mma; any other C is written without one.
 */
final class WgmmaMatmul implements Matmul {
    /** The only compute capability that has wgmma. */
    static final int HOPPER = 90;
    /** Rows and columns of what one copy of an operand brings: PANEL of the source is 64 x 64; STRIP is 16 x 64. */
    private static final int PANEL = 64;
    private static final int STRIP_ROWS = 16;

    private final Launcher launcher;
    private final DType dtype;
    private final WgmmaSchedules schedules;
    private final Matmul mma;

    /**
     * @param tiles to choose from
     * @param mma   takes what this rung cannot
     */
    WgmmaMatmul(Launcher launcher, DType dtype, List<Tile> tiles, Matmul mma) {
        this.launcher = launcher;
        this.dtype = dtype;
        this.schedules = new WgmmaSchedules(tiles, launcher.multiprocessors());
        this.mma = mma;
    }

    @Override
    public String name() {
        return "wgmma";
    }

    @Override
    public boolean available() {
        return launcher.architecture() == HOPPER;
    }

    @Override
    public void multiply(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c) {
        var widthA = shape.widthA();
        var widthB = shape.widthB();
        if (!available() || !CudaMatmul.aligned(a, widthA, dtype) || !CudaMatmul.aligned(b, widthB, dtype)) {
            mma.multiply(shape, a, b, bias, c);
            return;
        }
        Matmul.check(shape, a, b, bias, c, dtype);
        var schedule = schedules.of(shape);
        var tile = schedule.tile();
        var slices = schedule.slices() == 1 ? null : launcher.temporary(schedule.sliceBytes());
        var mapped = CudaMatmul.aligned(c, shape.n(), dtype);
        var source = tile.define(CudaMatmul.source(name(), shape, dtype)).with("C_MAPPED", mapped ? 1 : 0);
        var mapA = map(a, widthA, PANEL);
        var launch = Launch.of(source, CudaMatmul.entry(name()), schedule.grid(), tile.threads())
                .withShared(tile.sharedBytes());
        launcher.launch(launch, mapA, map(b, widthB, PANEL), mapped ? map(c, shape.n(), STRIP_ROWS) : mapA, bias, c,
                slices, shape.m(), shape.n(), shape.k(), schedule.whole(), schedule.slices(), shape.alpha(),
                shape.beta());
        if (slices != null) {
            launcher.launch(Launch.of(source, CudaMatmul.entry(name()) + "_sum", schedule.sumGrid(),
                    WgmmaSchedule.SUM_THREADS), slices, bias, c, shape.m(), shape.n(), shape.k(), schedule.whole(),
                    schedule.slices(), shape.alpha(), shape.beta());
        }
    }

    private TensorMap map(MemorySegment matrix, int width, int lines) {
        var rowBytes = (long) width * dtype.bytes();
        return TensorMap.tiled(dtype, matrix, new long[] {width, matrix.byteSize() / rowBytes}, new long[] {rowBytes},
                new int[] {PANEL, lines}, Swizzle.BYTES_128);
    }
}
