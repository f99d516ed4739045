package org.airelab.kernels.cuda;

import java.util.Map;
import jcuda.driver.CUresult;

/**
 * A call of the CUDA driver that failed (CUDA driver API, {@code CUresult}). The message says which error, in which
 * call, and what to do where that is known: {@code CUDA_ERROR_OUT_OF_MEMORY (2) in cuMemAlloc of 64 bytes: ...}.
 */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final String FAULT = "; it may come from any launch before this call. The device's context is lost, "
            + "start the program again, under compute-sanitizer to find the access";
    private static final Map<Integer, String> MEANING = Map.ofEntries(
            Map.entry(1, "the driver does not accept an argument's value"),
            Map.entry(2, "the device has too little free memory; use smaller shapes, or end other programs on it "
                    + "(nvidia-smi lists them)"),
            Map.entry(101, "there is no such device; see nvidia-smi and CUDA_VISIBLE_DEVICES"),
            Map.entry(200, "the driver cannot read the machine code, as happens when the compiler's CUDA is newer than "
                    + "the driver's; update the driver or use an older nvcc"),
            Map.entry(201, "the thread has no CUDA context, or a lost one"),
            Map.entry(209, "the machine code is for another architecture than this device's"),
            Map.entry(218, "the driver cannot compile the PTX"),
            Map.entry(222, "the compiler's CUDA is newer than the driver's; update the driver or use an older nvcc"),
            Map.entry(500, "there is no symbol of this name; kernels have to be extern \"C\""),
            Map.entry(700, "a kernel read or wrote outside the memory allocated" + FAULT),
            Map.entry(701, "a block needs more registers, shared memory or threads than a multiprocessor has; use "
                    + "smaller blocks or tiles"),
            Map.entry(702, "a kernel ran longer than the system allows on a GPU that drives a screen"),
            Map.entry(709, "the device's context is gone"),
            Map.entry(715, "a kernel executed an instruction this device does not have, or code that is not there"
                    + FAULT),
            Map.entry(716, "a kernel accessed memory at an address that its access width does not divide" + FAULT),
            Map.entry(717, "a kernel used an address of another memory than the instruction serves" + FAULT),
            Map.entry(718, "a kernel jumped outside its code" + FAULT),
            Map.entry(719, "a kernel failed, mostly by a bad access of shared memory or an assertion" + FAULT),
            Map.entry(720, "a cooperative launch has more blocks than the device holds at once"),
            Map.entry(802, "the system is still starting or its NVSwitch fabric is down; see nvidia-fabricmanager"),
            Map.entry(803, "the driver's library and kernel module have different versions; restart the machine"),
            Map.entry(804, "the compatibility libraries of CUDA do not support this GPU; update the driver"),
            Map.entry(900, "the call cannot be part of a graph; make it before the capture"),
            Map.entry(901, "an earlier call was not permitted in a capture, which is void now"),
            Map.entry(912, "the device cannot place a cluster of that size"));

    private final int code;

    /** The error {@code code} of a call such as {@code cuLaunchKernel of softmax}. */
    CudaException(int code, String call) {
        super(name(code) + " (" + code + ") in " + call + (MEANING.containsKey(code) ? ": " + MEANING.get(code) : ""));
        this.code = code;
    }

    /** The driver's number of the error. */
    public int code() {
        return code;
    }

    /** The driver's name of the error, such as {@code CUDA_ERROR_OUT_OF_MEMORY}. */
    public String errorName() {
        return name(code);
    }

    /** Throws unless {@code result} is CUDA_SUCCESS. */
    static void check(int result, String function) {
        if (result != CUresult.CUDA_SUCCESS) {
            throw new CudaException(result, function);
        }
    }

    /** Throws unless {@code result} is CUDA_SUCCESS, naming what the function was called for. */
    static void check(int result, String function, Object of) {
        if (result != CUresult.CUDA_SUCCESS) {
            throw new CudaException(result, function + " of " + of);
        }
    }

    private static String name(int code) {
        String name = CUresult.stringFor(code);
        return name.startsWith("CUDA_") ? name : "CUDA_ERROR_NUMBER_" + code;
    }
}
