package org.airelab.kernels.cuda;

import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** Loads and initialises NVIDIA's driver when it is first needed. */
final class Driver {
    static final String LIBRARY = "libcuda.so.1";

    private static boolean initialized;

    private Driver() {
    }

    /**
     * Does nothing when the driver is initialised already.
     *
     * @throws MissingCudaException without a driver or a GPU
     */
    static synchronized void initialize() {
        if (initialized) {
            return;
        }
        if (NativeLibraries.open(LIBRARY).isEmpty()) {
            throw new MissingCudaException("NVIDIA's driver is not there: " + LIBRARY + " cannot be loaded",
                    "Install NVIDIA's driver, and in a container start it with access to the GPU, or use the CPU.");
        }
        // Result codes are checked here, where the call's purpose is known.
        NativeLibraries.loadJCuda("JCudaDriver", () -> JCudaDriver.setExceptionsEnabled(false));
        int result = JCudaDriver.cuInit(0);
        if (result == CUresult.CUDA_ERROR_NO_DEVICE) {
            throw new MissingCudaException("NVIDIA's driver finds no GPU",
                    "See nvidia-smi, and CUDA_VISIBLE_DEVICES if it is set, or use the CPU.");
        }
        CudaException.check(result, "cuInit");
        initialized = true;
    }
}
