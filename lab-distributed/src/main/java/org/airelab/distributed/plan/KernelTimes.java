package org.airelab.distributed.plan;

/** Seconds of single kernels on a GPU, the roofline of docs/plan.md: operations or bytes, whichever takes longer. */
final class KernelTimes {
    /** Side of the square tile that a multiprocessor computes of a product: cuBLAS's common one. */
    private static final int TILE = 128;
    /** Inner width at which half of a product's time is its beginning and end. */
    private static final double RAMP = 160;
    /** Least inner width of a part when a product with few tiles divides its inner sum among multiprocessors. */
    private static final int SPLIT = 1024;
    /** What a copy reaches of the memory's bandwidth: 4,270 of 4,800 GB/s on an H200 (memory-bound.md there). */
    private static final double COPY = 0.88;

    private final Hardware gpu;
    private final int bytes;
    private final double peak;

    /** @param elementBytes of the type that products are computed in */
    KernelTimes(Hardware gpu, int elementBytes) {
        this.gpu = gpu;
        this.bytes = elementBytes;
        this.peak = gpu.peakFlops(elementBytes);
    }

    /** A product [m, k] x [k, n]. */
    double product(double m, double n, double k) {
        double tiles = Math.ceil(m / TILE) * Math.ceil(n / TILE);
        double splits = tiles < gpu.multiprocessors()
                ? Math.max(1, Math.min(Math.floor(gpu.multiprocessors() / tiles), Math.floor(k / SPLIT))) : 1;
        double waves = Math.ceil(tiles * splits / gpu.multiprocessors());
        double busy = m * n / (TILE * TILE) * splits / (waves * gpu.multiprocessors());
        double rate = peak * gpu.sustained() * busy * k / (k + RAMP);
        return Math.max(2 * m * n * k / rate, moved(bytes * (m * k + k * n + m * n)));
    }

    /** The two products of the backward pass of {@link #product}. */
    double backward(double m, double n, double k) {
        return product(m, k, n) + product(n, k, m);
    }

    /** Fused attention of so many operations. */
    double attention(double flops) {
        return flops / (peak * gpu.attention());
    }

    /** Bytes that go through memory. */
    double moved(double count) {
        return count / (1e9 * gpu.memoryGbs() * COPY);
    }
}
