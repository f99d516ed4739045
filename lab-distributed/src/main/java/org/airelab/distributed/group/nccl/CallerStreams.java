package org.airelab.distributed.group.nccl;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;

/** The streams on which callers work with their memory. */
final class CallerStreams implements AutoCloseable {
    private final CudaDevice device;
    private final LongSupplier current;
    private final Map<Long, CudaStream> known = new ConcurrentHashMap<>();

    CallerStreams(CudaDevice device, LongSupplier current) {
        this.device = device;
        this.current = current;
    }

    /** The calling thread's. */
    CudaStream current() {
        return known.computeIfAbsent(current.getAsLong(), number -> CudaStream.of(device, number));
    }

    /** Forgets them; they are others'. */
    @Override
    public void close() {
        known.values().forEach(CudaStream::close);
    }
}
