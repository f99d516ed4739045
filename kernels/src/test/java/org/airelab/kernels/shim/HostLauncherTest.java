package org.airelab.kernels.shim;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.junit.jupiter.api.Test;

/** Each kind of bug planted once in a small kernel: the bug is reported at every seed, the right version passes. */
class HostLauncherTest {
    private static final int SEEDS = 5;
    private static final int COUNT = 100;
    private static final KernelSource SOURCE = KernelSource.of("shim/planted.cu");

    private static void launch(HostLauncher host, String entry, int grid, int sharedBytes) {
        var in = host.copy(Native.normal(COUNT, 1, 1));
        var out = host.allocate(4 * COUNT);
        host.launch(Launch.of(SOURCE, entry, grid, 64).withShared(sharedBytes), in, out, COUNT);
    }

    private static void passes(String entry, int grid, int sharedBytes) {
        for (var seed = 0; seed < SEEDS; seed++) {
            try (var host = new HostLauncher(seed)) {
                launch(host, entry, grid, sharedBytes);
            }
        }
    }

    private static void faults(String entry, int grid, int sharedBytes, String original, String replacement,
            String expected) {
        passes(entry, grid, sharedBytes);
        for (var seed = 0; seed < SEEDS; seed++) {
            try (var host = new HostLauncher(seed).withMutation(original, replacement)) {
                var fault = assertThrows(KernelFault.class, () -> launch(host, entry, grid, sharedBytes));
                assertTrue(fault.getMessage().contains(expected), fault.getMessage());
            }
        }
    }

    @Test
    void aMissingBarrierIsARace() {
        faults("reverse", 2, 0, "__syncthreads(); // reversed", "", "static shared memory");
    }

    @Test
    void aStorePastTheEndIsOutOfBounds() {
        faults("reverse", 2, 0, "if (i < count) out", "if (i <= count) out", "argument 1, a buffer of 400 bytes, + 400: out of bounds\n    at if (i <= count) out");
    }
}
