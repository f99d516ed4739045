package org.airelab.kernels.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.junit.jupiter.api.Test;

/** The emulation of turns between blocks, and of the copies whose results they hand on. */
class TurnsTest {
    private static final int COUNT = 64;
    private static final int BLOCKS = 5;

    private static MemorySegment run(HostLauncher host) {
        var sums = host.allocate(4L * COUNT);
        var turns = host.copy(Native.zeros(2));
        var source = KernelSource.of("shim/turns.cu", DType.FP32);
        host.launch(Launch.of(source, "add_in_turn", BLOCKS, COUNT).withShared(4 * COUNT + 4), sums, turns);
        return sums;
    }

    @Test
    void partsAreAddedUp() {
        try (var host = new HostLauncher(1)) {
            var sums = run(host);
            for (var i = 0; i < COUNT; i++) {
                assertEquals(BLOCKS * i + COUNT * BLOCKS * (BLOCKS - 1) / 2, Native.get(sums, i));
            }
        }
    }

    private static void faults(String original, String replacement, String expected) {
        for (var seed = 0; seed < 3; seed++) {
            try (var host = new HostLauncher(seed).withMutation(original, replacement)) {
                var message = assertThrows(KernelFault.class, () -> run(host)).getMessage();
                assertTrue(message.contains(expected), message);
            }
        }
    }

    @Test
    void aTurnThatNobodyWaitedFor() {
        faults("        turn_wait(turns, turn);\n", "", "a race");
    }

    @Test
    void aTurnPassedOnBeforeTheCopyIsComplete() {
        faults("    bulk_wait<0>();\n    turn_pass(turns, turn + 1);\n",
                "    turn_pass(turns, turn + 1);\n    bulk_wait<0>();\n", "a race");
        faults("bulk_wait<0>();\n    turn_pass", "bulk_wait_read<0>();\n    turn_pass",
                "a copy to global memory under way");
    }

    @Test
    void aTurnOfABlockThatMayNotHaveBegun() {
        faults("*ticket = atomicAdd(&turns[1], 1u);", "*ticket = blockIdx.x;", "blocks begin in any order");
    }

    @Test
    void copiesThatNobodyWaitedFor() {
        faults("    bulk_commit();\n", "    bulk_commit();\n    part[0] = 0;\n", "wgmma or TMA may still read it");
        faults("    bulk_commit();\n", "", "a copy to global memory under way");
    }

    @Test
    void partsWrittenWithoutAFence() {
        faults("    async_proxy_fence();\n", "", "needs fence.proxy.async");
    }

    @Test
    void anAdditionToNothing() {
        faults("        bulk_store(sums", "        bulk_add(sums", "nothing has been written there");
    }
}
