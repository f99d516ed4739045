package org.airelab.distributed.pretrain;

import ai.djl.Device;
import ai.djl.util.cuda.CudaUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Memory in use, in MiB. What ranks of a host share counts on each that has touched it. */
final class Memory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private Memory() {
    }

    /** What the GPU holds, or on a CPU the process's resident set; 0 where the system does not say. */
    static long used(Device device) {
        return device.isGpu() ? CudaUtils.getGpuMemory(device).getUsed() >> 20 : status("VmRSS:");
    }

    /** The largest resident set so far. */
    static long peakResident() {
        return status("VmHWM:");
    }

    private static long status(String key) {
        try (var lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith(key))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024).findFirst().orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }
}
