package org.airelab.kernels.cuda;

import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** A point in a stream, and the time at which the device came to it. */
public final class CudaEvent extends DeviceResource {
    private final CUevent handle = new CUevent();

    /** An event recorded nowhere yet. */
    public CudaEvent(CudaDevice device) {
        super(device);
        CudaException.check(JCudaDriver.cuEventCreate(handle, CUevent_flags.CU_EVENT_DEFAULT), "cuEventCreate");
        made();
    }

    /** Moves the event to the end of what is enqueued on a stream. */
    public void record(CudaStream stream) {
        enter();
        CudaException.check(JCudaDriver.cuEventRecord(handle, stream.handle()), "cuEventRecord");
    }

    /** Waits until the device has come to the event. */
    public void synchronize() {
        enter();
        CudaException.check(JCudaDriver.cuEventSynchronize(handle), "cuEventSynchronize");
    }

    /** Whether the device has come to the event; true too where it was recorded nowhere. */
    public boolean past() {
        enter();
        int result = JCudaDriver.cuEventQuery(handle);
        if (result == CUresult.CUDA_ERROR_NOT_READY) {
            return false;
        }
        CudaException.check(result, "cuEventQuery");
        return true;
    }

    /** Milliseconds on the device between an earlier event and this one, both past; the resolution is about 0.5 us. */
    public float millisSince(CudaEvent start) {
        enter();
        float[] millis = new float[1];
        CudaException.check(JCudaDriver.cuEventElapsedTime(millis, start.handle(), handle), "cuEventElapsedTime");
        return millis[0];
    }

    CUevent handle() {
        requireOpen();
        return handle;
    }

    @Override
    void destroy() {
        CudaException.check(JCudaDriver.cuEventDestroy(handle), "cuEventDestroy");
    }

    @Override
    public String toString() {
        return "event of " + device();
    }
}
