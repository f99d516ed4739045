package org.airelab.kernels.cuda;

import java.lang.foreign.MemorySegment;
import jcuda.driver.JCudaDriver;

/** Memory of a device, aligned to 256 bytes, uninitialised. Freeing it waits for the device. */
public final class DeviceBuffer extends DeviceResource {
    private final Handles.Address address = new Handles.Address();
    private final long bytes;

    /**
     * Allocates.
     *
     * @param bytes at least 1
     */
    public DeviceBuffer(CudaDevice device, long bytes) {
        super(device);
        if (bytes < 1) {
            throw new IllegalArgumentException("expected at least 1 byte of device memory, found " + bytes);
        }
        this.bytes = bytes;
        CudaException.check(JCudaDriver.cuMemAlloc(address, bytes), "cuMemAlloc", bytes + " bytes on " + device);
        made();
    }

    /** The memory, for rungs and {@link CudaStream#copy}: Java must not read or write it. */
    public MemorySegment memory() {
        requireOpen();
        return MemorySegment.ofAddress(address.number()).reinterpret(bytes);
    }

    /** Its size. */
    public long bytes() {
        return bytes;
    }

    @Override
    void destroy() {
        CudaException.check(JCudaDriver.cuMemFree(address), "cuMemFree", bytes + " bytes");
    }

    @Override
    public String toString() {
        return "buffer of " + bytes + " bytes of " + device();
    }
}
