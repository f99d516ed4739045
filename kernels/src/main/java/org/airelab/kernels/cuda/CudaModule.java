package org.airelab.kernels.cuda;

import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/** A compiled source, loaded onto a device. */
public final class CudaModule extends DeviceResource {
    private final CUmodule handle = new CUmodule();
    private final String name;

    /**
     * Loads machine code.
     *
     * @param name  for messages
     * @param cubin the device's machine code, as {@link KernelCompiler} makes it
     */
    public CudaModule(CudaDevice device, String name, byte[] cubin) {
        super(device);
        this.name = name;
        CudaException.check(JCudaDriver.cuModuleLoadData(handle, cubin), "cuModuleLoadData", name);
        made();
    }

    /** A kernel by its {@code extern "C"} name. It lives as long as the module. */
    public CudaFunction function(String entry) {
        enter();
        Handles.Function function = new Handles.Function();
        CudaException.check(JCudaDriver.cuModuleGetFunction(function, handle, entry), "cuModuleGetFunction",
                entry + " in " + name);
        return new CudaFunction(entry, function);
    }

    @Override
    void destroy() {
        CudaException.check(JCudaDriver.cuModuleUnload(handle), "cuModuleUnload", name);
    }

    @Override
    public String toString() {
        return "module " + name + " of " + device();
    }
}
