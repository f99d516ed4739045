package org.airelab.torch;

import ai.djl.engine.EngineException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.airelab.base.UserError;

/**
 * Failures of libtorch, and of kernels that run under it, that mean no more than that the memory is full, as something
 * the user can act on.
 */
public final class OutOfMemory {
    /** c10's CPUAllocator.cpp and CUDACachingAllocator.cpp. */
    private static final Pattern CPU = Pattern.compile("can't allocate memory: you tried to allocate (\\d+) bytes");
    private static final Pattern GPU = Pattern.compile("CUDA out of memory\\. Tried to allocate ([0-9.]+ [KMG]iB)");
    /** What a kernel of ours asks for itself. */
    private static final Pattern DRIVER =
            Pattern.compile("CUDA_ERROR_OUT_OF_MEMORY \\(\\d+\\) in cuMemAlloc of (\\d+ bytes)");

    private OutOfMemory() {
    }

    /** The failure itself, or when it is one of memory a UserError (machine) in its place. */
    public static RuntimeException orElse(EngineException failure) {
        String message = String.valueOf(failure.getMessage());
        Matcher cpu = CPU.matcher(message);
        if (cpu.find()) {
            return error("this machine's memory", cpu.group(1) + " bytes", failure);
        }
        Matcher gpu = GPU.matcher(message);
        Matcher driver = DRIVER.matcher(message);
        return gpu.find() ? error("the GPU's memory", gpu.group(1), failure)
                : driver.find() ? error("the GPU's memory", driver.group(1), failure) : failure;
    }

    private static UserError error(String where, String asked, EngineException failure) {
        return UserError.machine(where + " is full: there was no room for another " + asked + ".",
                "Use a smaller batch (more accumulation makes up for it), a shorter context or a smaller model.",
                failure);
    }
}
