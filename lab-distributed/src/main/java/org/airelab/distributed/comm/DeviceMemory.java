package org.airelab.distributed.comm;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.airelab.kernels.cuda.CudaStream;
import org.airelab.kernels.cuda.DeviceBuffer;

/** Memory of the device of a stream, on which all is ordered. */
public final class DeviceMemory implements GroupMemory, AutoCloseable {
    private final CudaStream stream;
    private final List<DeviceBuffer> buffers = new ArrayList<>();

    /** Memory used on a stream, which has to be open until this is closed. */
    public DeviceMemory(CudaStream stream) {
        this.stream = stream;
    }

    @Override
    public MemorySegment allocate(long bytes) {
        DeviceBuffer buffer = new DeviceBuffer(stream.device(), Math.max(1, bytes));
        buffers.add(buffer);
        return buffer.memory().asSlice(0, bytes);
    }

    @Override
    public boolean onHost() {
        return false;
    }

    @Override
    public void write(MemorySegment host, MemorySegment to) {
        stream.copy(host, to);
        stream.synchronize();
    }

    @Override
    public void read(MemorySegment from, MemorySegment host) {
        stream.copy(from, host);
        stream.synchronize();
    }

    @Override
    public void synchronize() {
        stream.synchronize();
    }

    /** Frees all of it. */
    @Override
    public void close() {
        buffers.forEach(DeviceBuffer::close);
    }
}
