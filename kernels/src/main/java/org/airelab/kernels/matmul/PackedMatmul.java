package org.airelab.kernels.matmul;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Lanes;

/**
 * {@link Matmul} on packed panels, by the algorithm of Goto and van de Geijn, "Anatomy of High-Performance Matrix
 * Multiplication", 2008.
 *
 * <p>Adds to the vector rung: A and B are first copied into panels that a tile reads from end to end, so that neither
 * their strides nor their transpositions are felt any more; k is cut into blocks whose panels stay in the caches; and
 * tiles have the machine's widest vectors ({@link RegisterTile}). Measured at 256 x 256 x 256 on one core of an Intel
 * Xeon (benchmarks/reports/20261127-Intel-Xeon): 2.0 times the vector rung, 137 GFLOP/s.
 */
class PackedMatmul implements Matmul {
    private final RegisterTile tile;

    PackedMatmul(RegisterTile tile) {
        this.tile = tile;
    }

    @Override
    public String name() {
        return "packed";
    }

    @Override
    public boolean available() {
        return Lanes.available();
    }

    @Override
    public void multiply(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c) {
        Matmul.check(shape, a, b, bias, c, DType.FP32);
        new PackedProduct(shape, tile, a.address(), b.address(), bias == null ? 0 : bias.address(), c.address(),
                cores()).run();
        Buffers.keep(a, b, bias, c);
    }
}
