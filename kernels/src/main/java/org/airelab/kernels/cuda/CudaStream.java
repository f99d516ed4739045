package org.airelab.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import jcuda.driver.CUresult;
import jcuda.driver.CUstreamCaptureStatus;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/** A queue of work for a device: what is enqueued runs in order, without anybody waiting for it. */
public final class CudaStream extends DeviceResource {
    private final Handles.Stream handle;
    private final boolean owned;

    /** A new stream, which runs beside the default stream. */
    public CudaStream(CudaDevice device) {
        super(device);
        handle = new Handles.Stream();
        owned = true;
        CudaException.check(JCudaDriver.cuStreamCreate(handle, CUstream_flags.CU_STREAM_NON_BLOCKING),
                "cuStreamCreate");
        made();
    }

    private CudaStream(CudaDevice device, long number) {
        super(device);
        handle = new Handles.Stream(number);
        owned = false;
        made();
    }

    /**
     * A stream of another library's, which stays that library's: closing this object leaves it alone.
     *
     * @param number the {@code cudaStream_t}; 0 is the default stream
     */
    public static CudaStream of(CudaDevice device, long number) {
        return new CudaStream(device, number);
    }

    /** The {@code cudaStream_t}, for other libraries. */
    public long number() {
        requireOpen();
        return handle.number();
    }

    /** Waits for all that was enqueued. Errors of kernels show here. */
    public void synchronize() {
        enter();
        CudaException.check(JCudaDriver.cuStreamSynchronize(handle), "cuStreamSynchronize");
    }

    /** Makes what is enqueued from now on wait for the event. */
    public void await(CudaEvent event) {
        enter();
        CudaException.check(JCudaDriver.cuStreamWaitEvent(handle, event.handle(), 0), "cuStreamWaitEvent");
    }

    /**
     * Enqueues a copy within or between the memories of host and device. Pinned memory has to stay as it is until the
     * copy is done; the driver reads and writes other memory of the host before this returns.
     *
     * @throws IllegalArgumentException when the sizes differ or memory of Java's heap is given
     */
    public void copy(MemorySegment from, MemorySegment to) {
        if (from.byteSize() != to.byteSize()) {
            throw new IllegalArgumentException("expected memory of " + to.byteSize() + " bytes to copy from, found "
                    + from.byteSize());
        }
        if (!from.isNative() || !to.isNative()) {
            throw new IllegalArgumentException("expected native memory, found a segment of Java's heap");
        }
        if (to.isReadOnly()) {
            throw new IllegalArgumentException("expected memory that can be written, found a read-only segment");
        }
        enter();
        if (to.byteSize() > 0) {
            try {
                CudaException.check(JCudaDriver.cuMemcpyAsync(new Handles.Address(to.address()),
                        new Handles.Address(from.address()), to.byteSize(), handle), "cuMemcpyAsync", bytes(to));
            } finally {
                // The driver knows addresses alone: memory that the garbage collector frees must not go before.
                Reference.reachabilityFence(from);
                Reference.reachabilityFence(to);
            }
        }
    }

    /** Enqueues setting every byte of device memory. */
    public void fill(MemorySegment memory, byte value) {
        enter();
        if (memory.byteSize() > 0) {
            CudaException.check(JCudaDriver.cuMemsetD8Async(new Handles.Address(memory.address()), value,
                    memory.byteSize(), handle), "cuMemsetD8Async", bytes(memory));
        }
    }

    /** Whether all that was enqueued is done. */
    public boolean idle() {
        enter();
        int result = JCudaDriver.cuStreamQuery(handle);
        if (result == CUresult.CUDA_ERROR_NOT_READY) {
            return false;
        }
        CudaException.check(result, "cuStreamQuery");
        return true;
    }

    /** Whether what is enqueued now becomes part of a graph. */
    boolean capturing() {
        enter();
        int[] status = new int[1];
        CudaException.check(JCudaDriver.cuStreamIsCapturing(handle, status), "cuStreamIsCapturing");
        return status[0] != CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_NONE;
    }

    private static String bytes(MemorySegment memory) {
        return memory.byteSize() + " bytes";
    }

    Handles.Stream handle() {
        requireOpen();
        return handle;
    }

    @Override
    void destroy() {
        if (owned) {
            CudaException.check(JCudaDriver.cuStreamDestroy(handle), "cuStreamDestroy");
        }
    }

    @Override
    public String toString() {
        return "stream " + Long.toHexString(handle.number()) + " of " + device();
    }
}
