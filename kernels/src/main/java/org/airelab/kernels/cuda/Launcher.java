package org.airelab.kernels.cuda;

import java.lang.foreign.MemorySegment;

/**
 * Something that runs CUDA kernels: a stream of a GPU, or the tests' emulation of one on the CPU. Launches run in the
 * order they are made; results are there when the launcher is synchronized.
 */
public interface Launcher {
    /**
     * Enqueues a kernel.
     *
     * @param arguments the kernel's parameters in order: a {@link MemorySegment} for a pointer (its address, on the
     *                  launcher's device; {@code null} for a null pointer), Integer, Long, Float or Double for a
     *                  number of that size, and a {@link TensorMap} for a {@code __grid_constant__} tensor map
     * @throws IllegalArgumentException for an argument of another kind
     */
    void launch(Launch launch, Object... arguments);

    /**
     * Uninitialised device memory, aligned to 256 bytes, for the launches that follow: it is the caller's until its
     * next call of this method, which may return the same memory. A rung asks once for all it needs.
     */
    MemorySegment temporary(long bytes);

    /** Waits for all that was enqueued. */
    void synchronize();

    /** The device's compute capability as {@code 10 * major + minor}: 80, 90, 100. */
    int architecture();

    /** Streaming multiprocessors of the device. */
    int multiprocessors();
}
