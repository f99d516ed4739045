package org.airelab.kernels.matmul;

import java.util.function.IntConsumer;
import org.airelab.kernels.cpu.Parallel;

/** TODO */
final class ParallelMatmul extends PackedMatmul {
    ParallelMatmul(RegisterTile tile) {
        super(tile);
    }

    @Override
    public String name() {
        return "parallel";
    }

    @Override
    void forRange(IntConsumer task, int tasks) {
        Parallel.forRange(tasks, task);
    }
}
