package org.airelab.kernels.cuda;

import java.lang.foreign.MemorySegment;
import jcuda.Pointer;
import jcuda.driver.CUstream;

/** This layer's memory and streams as JCuda's other libraries take them, JCublas for one. */
public final class JCudaInterop {
    private JCudaInterop() {
    }

    /**
     * Loads one of JCuda's libraries, safely where several processes start at once.
     *
     * @param library  JCuda's name of it, such as {@code JCublas2}
     * @param needed   the library of CUDA it calls, such as {@code libcublas.so.12}, in CUDA's usual folders too
     * @param firstUse touches the class that loads it
     * @throws MissingCudaException when one of them cannot be loaded
     */
    public static void load(String library, String needed, Runnable firstUse) {
        if (NativeLibraries.open(needed).isEmpty()) {
            throw new MissingCudaException(needed + " cannot be found",
                    "Install CUDA 12's libraries, and set CUDA_HOME if they lie in an unusual folder.");
        }
        NativeLibraries.loadJCuda(library, firstUse);
    }

    /** A pointer to memory of a device or of the host, which has to outlive it. */
    public static Pointer pointer(MemorySegment memory) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException("expected native memory, found a segment of Java's heap");
        }
        return new Handles.RawPointer(memory.address());
    }

    /** The stream, valid until it is closed; {@code new cudaStream_t(stream)} makes a runtime API's stream of it. */
    public static CUstream stream(CudaStream stream) {
        return stream.handle();
    }
}
