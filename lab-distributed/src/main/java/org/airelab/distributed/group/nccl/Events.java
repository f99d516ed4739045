package org.airelab.distributed.group.nccl;

import java.util.ArrayDeque;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaEvent;

/** Events of a device, used again and again. */
final class Events implements AutoCloseable {
    private final CudaDevice device;
    private final ArrayDeque<CudaEvent> free = new ArrayDeque<>();
    private boolean closed;

    Events(CudaDevice device) {
        this.device = device;
    }

    synchronized CudaEvent take() {
        return free.isEmpty() ? new CudaEvent(device) : free.pop();
    }

    /** Gives one back that nobody will look at any more. */
    synchronized void give(CudaEvent event) {
        if (closed) {
            event.close();
        } else {
            free.push(event);
        }
    }

    /** What is given back from now on is freed at once. */
    @Override
    public synchronized void close() {
        closed = true;
        free.forEach(CudaEvent::close);
        free.clear();
    }
}
