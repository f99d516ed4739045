package org.airelab.distributed.group.gpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.kernels.cuda.CudaDevice;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.DeviceBuffer;

/** Device memory that lives as long as a group. */
public final class Buffers implements AutoCloseable {
    private final CudaDevice device;
    private final List<DeviceBuffer> all = new ArrayList<>();

    /** Of a device, which has to stay open until this is closed. */
    public Buffers(CudaDevice device) {
        this.device = device;
    }

    /** New memory, full of zeros, which are there for every stream when this returns. */
    public synchronized MemorySegment allocate(long bytes) {
        DeviceBuffer buffer = new DeviceBuffer(device, Math.max(1, bytes));
        all.add(buffer);
        try (CudaStream stream = new CudaStream(device)) {
            stream.fill(buffer.memory(), (byte) 0);
            stream.synchronize();
        }
        return buffer.memory().asSlice(0, bytes);
    }

    @Override
    public synchronized void close() {
        all.forEach(DeviceBuffer::close);
    }
}
