package org.airelab.kernels.cuda;

import java.lang.foreign.MemorySegment;
import jcuda.driver.JCudaDriver;

/** Memory of the host that the device copies from and to at full speed while the host does other things. */
public final class PinnedBuffer extends DeviceResource {
    private final Handles.RawPointer address = new Handles.RawPointer(0);
    private final long bytes;

    /**
     * Allocates.
     *
     * @param bytes 1 to 2147483647, JCuda's limit
     */
    public PinnedBuffer(CudaDevice device, long bytes) {
        super(device);
        if (bytes < 1 || bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("expected 1 to 2147483647 bytes of pinned memory, found " + bytes);
        }
        this.bytes = bytes;
        CudaException.check(JCudaDriver.cuMemHostAlloc(address, bytes, 0), "cuMemHostAlloc", bytes + " bytes");
        made();
    }

    /** The memory; it is gone when this buffer is closed. */
    public MemorySegment memory() {
        requireOpen();
        return MemorySegment.ofAddress(address.number()).reinterpret(bytes);
    }

    @Override
    void destroy() {
        CudaException.check(JCudaDriver.cuMemFreeHost(address), "cuMemFreeHost", bytes + " bytes");
    }

    @Override
    public String toString() {
        return "pinned buffer of " + bytes + " bytes of " + device();
    }
}
