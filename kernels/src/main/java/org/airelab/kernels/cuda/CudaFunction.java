package org.airelab.kernels.cuda;

import jcuda.driver.CUfunction_attribute;
import jcuda.driver.JCudaDriver;

/** A kernel on a device; it lives as long as its {@link CudaModule}. */
public final class CudaFunction {
    /** The largest cluster that every device with clusters places. */
    private static final int PORTABLE_CLUSTER = 8;

    private final String entry;
    private final Handles.Function handle;
    private final FunctionLimits limits;
    private final int localBytes;
    private int allowedShared;
    private boolean anyCluster;

    CudaFunction(String entry, Handles.Function handle) {
        this.entry = entry;
        this.handle = handle;
        limits = new FunctionLimits(attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK),
                attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS),
                attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES));
        localBytes = attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
        allowedShared = attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
    }

    /** Registers of a thread. */
    public int registers() {
        return limits.registers();
    }

    /** Static shared memory of a block. */
    public int sharedBytes() {
        return limits.sharedBytes();
    }

    /** Local memory of a thread: what did not fit into registers, and arrays with computed indices. */
    public int localBytes() {
        return localBytes;
    }

    FunctionLimits limits() {
        return limits;
    }

    Handles.Function handle() {
        return handle;
    }

    /** Asks for what a launch needs beyond a kernel's default; the device's context is current. */
    synchronized void prepare(Launch launch) {
        if (launch.sharedBytes() > allowedShared) {
            set(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, launch.sharedBytes());
            allowedShared = launch.sharedBytes();
        }
        if (launch.cluster() > PORTABLE_CLUSTER && !anyCluster) {
            set(CUfunction_attribute.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1);
            anyCluster = true;
        }
    }

    private int attribute(int attribute) {
        int[] value = new int[1];
        CudaException.check(JCudaDriver.cuFuncGetAttribute(value, attribute, handle), "cuFuncGetAttribute", entry);
        return value[0];
    }

    private void set(int attribute, int value) {
        CudaException.check(JCudaDriver.cuFuncSetAttribute(handle, attribute, value), "cuFuncSetAttribute", entry);
    }

    @Override
    public String toString() {
        return entry;
    }
}
