package org.airelab.distributed;

import ai.djl.ndarray.NDArray;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.airelab.torch.NativeArrays;

/** Which memory of this process is also that of other ranks, by what the system says is mapped. */
public final class SharedPages {
    private SharedPages() {
    }

    /** Whether all of an array lies in one file of a group's. */
    public static boolean holdAll(NDArray array) throws IOException {
        long from = NativeArrays.kernelMemory(array).address();
        long to = from + NativeArrays.kernelMemory(array).byteSize();
        return Files.readAllLines(Path.of("/proc/self/maps")).stream().filter(line -> line.contains("/airelab-"))
                .map(line -> List.of(line.split("[- ]")))
                .anyMatch(words -> Long.parseUnsignedLong(words.get(0), 16) <= from
                        && to <= Long.parseUnsignedLong(words.get(1), 16));
    }
}
