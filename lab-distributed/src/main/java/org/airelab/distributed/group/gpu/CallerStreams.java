package org.airelab.distributed.group.gpu;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;

/** The streams on which callers work with their memory. */
public final class CallerStreams implements AutoCloseable {
    private final CudaDevice device;
    private final LongSupplier current;
    private final Map<Long, CudaStream> known = new ConcurrentHashMap<>();

    /** @param current gives the {@code cudaStream_t} on which the thread that asks works with its memory */
    public CallerStreams(CudaDevice device, LongSupplier current) {
        this.device = device;
        this.current = current;
    }

    /** The calling thread's. */
    public CudaStream current() {
        return known.computeIfAbsent(current.getAsLong(), number -> CudaStream.of(device, number));
    }

    /** Forgets them; they are others'. */
    @Override
    public void close() {
        known.values().forEach(CudaStream::close);
    }
}
