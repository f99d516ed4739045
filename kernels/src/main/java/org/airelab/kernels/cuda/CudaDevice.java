package org.airelab.kernels.cuda;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;

/**
 * A GPU and its primary context, the one libtorch uses too: memory and streams of either are valid for both. Any
 * thread may use it; a call makes the context the thread's current one and leaves it so.
 */
public final class CudaDevice extends CudaResource {
    private static final int NAME_BYTES = 256;
    private static final int BUS_ID_BYTES = 32;

    private final int ordinal;
    private final CUdevice device = new CUdevice();
    private final CUcontext context = new CUcontext();
    private final AtomicInteger users = new AtomicInteger(1);
    private final String name;
    private final DeviceLimits limits;
    private final int multiprocessors;

    private CudaDevice(int ordinal) {
        this.ordinal = ordinal;
        CudaException.check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet", ordinal);
        byte[] text = new byte[NAME_BYTES];
        CudaException.check(JCudaDriver.cuDeviceGetName(text, NAME_BYTES, device), "cuDeviceGetName", ordinal);
        name = new String(text, StandardCharsets.UTF_8).split("\0", 2)[0];
        multiprocessors = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        limits = new DeviceLimits(10 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
                attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK),
                attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
        CudaException.check(JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain", name);
        opened();
    }

    /**
     * Devices the driver shows this process.
     *
     * @throws MissingCudaException without a driver or a GPU
     */
    public static int count() {
        Driver.initialize();
        int[] count = new int[1];
        CudaException.check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
        return count[0];
    }

    /**
     * Opens a device.
     *
     * @param ordinal 0 for the first that the driver shows this process
     * @throws MissingCudaException     without a driver or a GPU
     * @throws IllegalArgumentException when there is no such device
     */
    public static CudaDevice open(int ordinal) {
        int count = count();
        if (ordinal < 0 || ordinal >= count) {
            throw new IllegalArgumentException("expected a device of 0 to " + (count - 1) + ", found " + ordinal);
        }
        return new CudaDevice(ordinal);
    }

    /**
     * Makes a device the thread's current one. Other libraries take the device from there where they are not told one;
     * of a thread that has chosen none it is the first, on which they would then take memory. The device stays open, as
     * the thread may be asked for it to its end.
     */
    public static void makeCurrent(int ordinal) {
        open(ordinal).enter();
    }

    /** Its place among the devices the driver shows this process. */
    public int ordinal() {
        return ordinal;
    }

    /** Such as {@code NVIDIA H100 80GB HBM3}. */
    public String name() {
        return name;
    }

    /** The compute capability as {@code 10 * major + minor}: 90 for an H100. */
    public int architecture() {
        return limits.architecture();
    }

    /** Streaming multiprocessors. */
    public int multiprocessors() {
        return multiprocessors;
    }

    /** Bytes of the second-level cache. */
    public int l2Bytes() {
        return attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
    }

    /** Bytes of memory. */
    public long memoryBytes() {
        return memory()[1];
    }

    /** Bytes of memory nobody uses at the moment. */
    public long freeBytes() {
        return memory()[0];
    }

    private long[] memory() {
        requireOpen();
        enter();
        long[] free = new long[1];
        long[] total = new long[1];
        CudaException.check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
        return new long[] {free[0], total[0]};
    }

    /** The address on the PCI bus, such as {@code 0000:1B:00.0}, by which other libraries know the device. */
    public String busId() {
        String[] id = new String[1];
        CudaException.check(JCudaDriver.cuDeviceGetPCIBusId(id, BUS_ID_BYTES, device), "cuDeviceGetPCIBusId", name);
        return id[0];
    }

    /** The newest CUDA the driver serves, such as {@code 12.6}. */
    public static String driverVersion() {
        int release = driverRelease();
        return release / 100 + "." + release % 100;
    }

    /** The same as {@code 100 * major + minor}. */
    static int driverRelease() {
        Driver.initialize();
        int[] version = new int[1];
        CudaException.check(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
        return version[0] / 1000 * 100 + version[0] % 1000 / 10;
    }

    /** Waits for all that was enqueued on the device by this process. */
    public void synchronize() {
        requireOpen();
        enter();
        CudaException.check(JCudaDriver.cuCtxSynchronize(), "cuCtxSynchronize");
    }

    /** What launches may use. */
    DeviceLimits limits() {
        return limits;
    }

    /** Makes the device's context the thread's current one: for other libraries that take the device from there. */
    public void enter() {
        if (users.get() == 0) {
            throw new IllegalStateException(this + " is closed");
        }
        CudaException.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent", name);
    }

    /** Keeps the context alive for a resource of the device until {@link #release()}. */
    void retain() {
        requireOpen();
        users.incrementAndGet();
    }

    /** Lets go of the context; with its last user it goes, unless another library holds it. */
    void release() {
        if (users.decrementAndGet() == 0) {
            CudaException.check(JCudaDriver.cuDevicePrimaryCtxRelease(device), "cuDevicePrimaryCtxRelease", name);
        }
    }

    @Override
    void free() {
        release();
    }

    private int attribute(int attribute) {
        int[] value = new int[1];
        CudaException.check(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute",
                CUdevice_attribute.stringFor(attribute));
        return value[0];
    }

    @Override
    public String toString() {
        return "device " + ordinal + " (" + name + ")";
    }
}
