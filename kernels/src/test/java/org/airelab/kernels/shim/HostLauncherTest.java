package org.airelab.kernels.shim;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Swizzle;
import org.airelab.kernels.cuda.TensorMap;
import org.junit.jupiter.api.Test;

/** Each kind of bug planted in a small kernel: it is reported at every seed, and the right kernel passes. */
class HostLauncherTest {
    private static final int SEEDS = 5;
    private static final int COUNT = 100;
    private static final String BARRIER = "    __syncthreads();\n";
    private static final String LAST_LINE = "    if (i < count) out[i] = tile[63";
    private static final KernelSource SOURCE = KernelSource.of("shim/planted.cu");

    private static void launch(HostLauncher host, String entry) {
        var in = host.copy(Native.normal(COUNT, 1, 1));
        var out = host.allocate(4 * COUNT);
        var grid = entry.equals("transpose") ? 1 : 2;
        var launch = Launch.of(SOURCE, entry, grid, 64).withShared(entry.equals("reverse_twice") ? 4 * 64 : 0);
        if (entry.equals("accumulate")) {
            host.launch(launch, in, out, host.copy(Native.zeros(1)), COUNT);
        } else {
            host.launch(launch, in, out, COUNT);
        }
    }

    private static void faults(String entry, String original, String replacement, String... expected) {
        for (var seed = 0; seed < SEEDS; seed++) {
            try (var host = new HostLauncher(seed)) {
                launch(host, entry);
            }
            try (var host = new HostLauncher(seed).withMutation(original, replacement)) {
                var message = assertThrows(KernelFault.class, () -> launch(host, entry)).getMessage();
                for (var part : expected) {
                    assertTrue(message.contains(part), message);
                }
            }
        }
    }

    @Test
    void aMissingBarrierAfterAWrite() {
        faults("reverse", BARRIER + LAST_LINE, LAST_LINE, "of static shared memory + ",
                "\n    at if (i < count) out[i] = tile[63 - threadIdx.x];");
    }

    @Test
    void aMissingBarrierBeforeMemoryIsWrittenAgain() {
        faults("reverse_twice", "    __syncthreads(); // before the row is written again\n", "",
                "of dynamic shared memory + ", "a race, thread ");
    }

    @Test
    void aMissingBarrierOfAWarp() {
        faults("neighbour", "__syncwarp();", "", "of static shared memory + ");
    }

    @Test
    void aShuffleIsNoBarrier() {
        faults("neighbour", "__syncwarp();", "__shfl_xor_sync(0xffffffffu, lane, 1);",
                "a race, thread ", "wrote it and nothing orders the two");
    }

    @Test
    void aBarrierOfAWarpOrdersNoOtherWarp() {
        faults("neighbour", "tile[warp][(lane + 1) % 32]", "tile[1 - warp][lane]", "of static shared memory + ");
    }

    @Test
    void aStorePastTheEnd() {
        faults("sums", "0);\n    if (i < count) out", "0);\n    if (i <= count) out",
                "thread 36 of block (1, 0, 0) writes 4 bytes of argument 1, a buffer of 400 bytes, + 400: out of bou",
                "\n    at if (i <= count) out[i] = sum;");
    }

    @Test
    void aReadBeforeTheBeginning() {
        faults("sums", "warp_sum(i < count ? in[i]", "warp_sum(i < count ? in[i - 1]",
                "thread 0 of block (0, 0, 0) reads 4 bytes of argument 0, a buffer of 400 bytes, + -4: out of bounds");
    }

    @Test
    void aReadOfNoBufferAtAll() {
        faults("sums", "warp_sum(i < count ? in[i]", "warp_sum(i < count ? in[(long) i << 40]",
                "in no buffer: out of bounds");
    }

    @Test
    void aWrongStride() {
        faults("transpose", "out[i / 10 * rows + i % 10]", "out[i / 10 * (rows + 1) + i % 10]",
                "argument 1, a buffer of 400 bytes, + ", "out of bounds");
    }

    @Test
    void anIndexPastItsRow() {
        faults("transpose", "= tile[i / 10][i % 10]", "= tile[i / 10][i % 10 + 11]", "of an array, out of its bounds");
    }

    @Test
    void aReadOfSharedMemoryNobodyWrote() {
        faults("transpose", "= tile[i / 10][i % 10]", "= tile[i / 10][i % 10 + 1]", "nothing has been written there");
    }

    @Test
    void aReadOfAnOutputNobodyWrote() {
        faults("accumulate", "out[i] = in[i];", "out[i] += in[i];", "argument 1", "nothing has been written there");
    }

    @Test
    void aBarrierInABranch() {
        faults("sums", "    float sum = warp_sum(", "if (threadIdx.x < 32) __syncthreads(); float sum = warp_sum(",
                "__syncthreads");
    }

    @Test
    void aStandstill() {
        faults("sums", "    float sum = warp_sum(", "if (threadIdx.x % 32 == 0) __syncthreads(); float sum = warp_sum(",
                "is at a standstill: 2 threads (thread 0 first) are at __syncthreads; 62 threads (thread 1 first) are");
    }

    @Test
    void aBarrierPerBranch() {
        faults("reverse", BARRIER + LAST_LINE,
                "if (threadIdx.x < 32) __syncthreads(); else { __syncthreads(); __syncwarp(); }\n" + LAST_LINE,
                "comes to another __syncthreads than the one");
    }

    @Test
    void aThreadThatEndsBeforeABarrier() {
        faults("reverse", "    tile[threadIdx.x] = i < count ? in[i] : 0;", "if (i >= count) return;\n"
                + "tile[threadIdx.x] = in[i];", "__syncthreads");
    }

    @Test
    void aLaneThatEndsBeforeAShuffle() {
        faults("sums", "    float sum = warp_sum(", "if (i >= count) return; float sum = warp_sum(",
                "has ended or never was");
    }

    @Test
    void lanesThatDiverge() {
        faults("sums", "    float sum = warp_sum(", "if (i % 2) __syncwarp(); float sum = warp_sum(",
                "the warp diverges");
    }

    @Test
    void aMaskThatIsNotFull() {
        faults("neighbour", "__syncwarp();", "__syncwarp(0xffffu);", "with the mask 0x0000ffff: expected the full one");
    }

    @Test
    void aMisalignedVector() {
        faults("copy_wide", "const float4 *>(in + i)", "const float4 *>(in + (i ^ 1))",
                "misaligned, expected a multiple of 16");
    }

    @Test
    void aCopyNobodyWaitedFor() {
        faults("asynchronous", "    cp_async_wait<0>();\n", "", "an asynchronous copy to it has not been waited for");
    }

    @Test
    void aCopyThatIsStillOfTheGroupsUnderWay() {
        faults("asynchronous", "cp_async_wait<0>", "cp_async_wait<1>",
                "an asynchronous copy to it has not been waited for");
    }

    @Test
    void aMissingBarrierAfterACopy() {
        faults("asynchronous", "    __syncthreads(); // what others copied\n", "", "of static shared memory + ");
    }

    @Test
    void aCopyPastTheEnd() {
        faults("asynchronous", "in + i, i < count", "in + i, true", "argument 0, a buffer of 400 bytes, + ",
                "out of bounds");
    }

    @Test
    void blocksAreNotOrdered() {
        faults("accumulate", "atomicAdd(total, in[i]);", "if (threadIdx.x == 0) *total += in[i];",
                "argument 2, a buffer of 4 bytes, + 0: a race, thread 0 of block (");
    }

    @Test
    void anAtomicAndAPlainRead() {
        faults("accumulate", "out[i] = in[i];", "out[i] = *total;", "argument 2", "a race");
    }

    @Test
    void temporaryMemoryIsTheCallersUntilTheNextCall() {
        try (var host = new HostLauncher(1)) {
            var first = host.temporary(4 * COUNT);
            host.temporary(4);
            assertThrows(KernelFault.class, () -> host.launch(Launch.of(SOURCE, "sums", 2, 64),
                    host.copy(Native.normal(COUNT, 1, 1)), first, COUNT));
        }
    }

    @Test
    void argumentsAreChecked() {
        try (var host = new HostLauncher(1)) {
            var launch = Launch.of(SOURCE, "sums", 2, 64);
            var message = assertThrows(IllegalArgumentException.class, () -> host.launch(launch, null, null, 100L))
                    .getMessage();
            assertTrue(message.contains("expected arguments of the kinds ppi"), message);
            assertTrue(message.contains("found ppl"), message);
            assertThrows(IllegalArgumentException.class, () -> host.launch(launch, null, null));
            var map = TensorMap.tiled(DType.FP32, host.allocate(1024), new long[] {16, 16}, new long[] {64},
                    new int[] {8, 8}, Swizzle.NONE);
            assertThrows(IllegalArgumentException.class, () -> host.launch(launch, map, null, 1));
            assertThrows(IllegalArgumentException.class,
                    () -> host.launch(Launch.of(SOURCE, "absent", 1, 64), null, null, 100));
        }
    }

    @Test
    void aMutationIsOfWhatOccursOnce() {
        var host = new HostLauncher(1).withMutation("__shared__ float tile", "__shared__ double tile");
        assertThrows(IllegalArgumentException.class, () -> launch(host, "reverse"));
        assertThrows(IllegalStateException.class, host::close);
    }
}
