package org.airelab.distributed.group.gpu;

import java.util.ArrayDeque;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaEvent;

/** Events of a device, used again and again. */
public final class Events implements AutoCloseable {
    private final CudaDevice device;
    private final ArrayDeque<CudaEvent> free = new ArrayDeque<>();
    private boolean closed;

    /** Of a device, which has to stay open until all are given back. */
    public Events(CudaDevice device) {
        this.device = device;
    }

    /** One whose last place nobody looks at any more. */
    public synchronized CudaEvent take() {
        return free.isEmpty() ? new CudaEvent(device) : free.pop();
    }

    /** Gives one back that nobody will look at any more. */
    public synchronized void give(CudaEvent event) {
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
