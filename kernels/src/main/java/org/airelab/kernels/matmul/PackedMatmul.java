package org.airelab.kernels.matmul;

import java.lang.foreign.MemorySegment;
import java.util.function.IntConsumer;
import org.airelab.kernels.cpu.Lanes;

/** TODO */
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
        Matmul.check(shape, a, b, bias, c);
        new PackedProduct(shape, tile, a.address(), b.address(), bias == null ? 0 : bias.address(), c.address(),
                this::forRange).run();
    }

    /** Runs a task for 0, 1, ... {@code tasks - 1}. */
    void forRange(IntConsumer task, int tasks) {
        for (var i = 0; i < tasks; i++) {
            task.accept(i);
        }
    }
}
