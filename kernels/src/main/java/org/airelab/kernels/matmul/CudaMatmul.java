package org.airelab.kernels.matmul;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;

/** {@link Matmul} by one of the CUDA sources, a block for each tile of C. */
final class CudaMatmul implements Matmul {
    private static final int GRANULE = 16;

    private final String name;
    private final Launcher launcher;
    private final DType dtype;
    private final List<Tile> tiles;
    private final boolean specialized;

    /**
     * @param name        of the rung, and so of its source and (with underscores) of its entry
     * @param tiles       those the source is meant for, as {@link Tile#choose} takes them
     * @param specialized whether the source is compiled for the alignment of A and B, which takes no registers then
     */
    CudaMatmul(String name, Launcher launcher, DType dtype, List<Tile> tiles, boolean specialized) {
        this.name = name;
        this.launcher = launcher;
        this.dtype = dtype;
        this.tiles = tiles;
        this.specialized = specialized;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void multiply(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c) {
        Matmul.check(shape, a, b, bias, c, dtype);
        var tile = Tile.choose(tiles, shape, launcher.multiprocessors());
        var source = tile.define(source(name, shape, dtype));
        if (specialized) {
            source = source.with("A_ALIGNED", aligned(a, shape.widthA(), dtype) ? 1 : 0)
                    .with("B_ALIGNED", aligned(b, shape.widthB(), dtype) ? 1 : 0);
        }
        var launch = Launch.of(source, entry(name), tile.count(shape), tile.threads()).withShared(tile.sharedBytes());
        launcher.launch(launch, a, b, bias, c, shape.m(), shape.n(), shape.k(), shape.alpha(), shape.beta());
    }

    /** Whether a matrix's rows, of {@code width} elements, all begin at multiples of 16 bytes. */
    static boolean aligned(MemorySegment matrix, int width, DType dtype) {
        return matrix.address() % GRANULE == 0 && (long) width * dtype.bytes() % GRANULE == 0;
    }

    static String entry(String name) {
        return "matmul_" + name.replace('-', '_');
    }

    /** A rung's source with the macros that all rungs have. */
    static KernelSource source(String name, MatmulShape shape, DType dtype) {
        return KernelSource.of("matmul/" + name + ".cu", dtype)
                .with("TRANSPOSE_A", shape.transposeA() ? 1 : 0)
                .with("TRANSPOSE_B", shape.transposeB() ? 1 : 0)
                .with("EPILOGUE", switch (shape.epilogue()) {
                    case NONE -> "none";
                    case GELU -> "gelu_tanh";
                    case SILU -> "silu";
                });
    }
}
