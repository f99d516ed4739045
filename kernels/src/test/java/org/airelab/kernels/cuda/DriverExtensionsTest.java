package org.airelab.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.airelab.kernels.DType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the functions bound by hand receive, and NVML's answers. */
class DriverExtensionsTest {
    @TempDir
    static Path folder;
    private static SymbolLookup library;
    private static FakeDriver driver;
    private static DriverExtensions extensions;

    @BeforeAll
    static void load() throws IOException, InterruptedException {
        library = SymbolLookup.libraryLookup(FakeDriver.compile(folder), Arena.global());
        driver = new FakeDriver(library);
        extensions = new DriverExtensions(library);
    }

    private static long function(Arena arena, String name) {
        return arena.allocateFrom(name).address();
    }

    @Test
    void aClusterLaunchPassesEveryNumberInItsPlace() {
        Launch launch = new Launch(KernelSource.of("test.cu"), "none", 12, 3, 2, 384, 200_000, 4);
        try (Arena arena = Arena.ofConfined()) {
            driver.calls();
            extensions.launchCluster(function(arena, "none"), 0x57, launch, KernelArguments.pack(arena, "none"));
        }
        assertEquals(List.of("cuLaunchKernelEx none grid 12 3 2 block 384 1 1 shared 200000 stream 0x57 "
                + "attributes 1: 4 = 4 1 1 extra (nil) arguments"), driver.calls());
    }

    @Test
    void anErrorNamesItsCallAndItsKernel() {
        Launch launch = new Launch(KernelSource.of("test.cu"), "none", 2, 1, 1, 32, 0, 2);
        driver.fail("cuLaunchKernelEx", 912);
        try (Arena arena = Arena.ofConfined()) {
            CudaException error = assertThrows(CudaException.class, () -> extensions.launchCluster(
                    function(arena, "none"), 0, launch, KernelArguments.pack(arena, "none")));
            assertEquals("CUDA_ERROR_INVALID_CLUSTER_SIZE (912) in cuLaunchKernelEx of none: the device cannot place a "
                    + "cluster of that size", error.getMessage());
        } finally {
            driver.fail("", 0);
        }
    }

    @Test
    void aTensorMapIsEncodedFromItsDescription() {
        MemorySegment tensor = MemorySegment.ofAddress(0x10000).reinterpret(1 << 20);
        TensorMap map = TensorMap.tiled(DType.BF16, tensor, new long[] {100, 60}, new long[] {256}, new int[] {64, 128},
                Swizzle.BYTES_128);
        driver.calls();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(TensorMap.BYTES, 64);
            extensions.encode(map, target);
            assertEquals("encoded", target.getString(0));
        }
        assertEquals(List.of("cuTensorMapEncodeTiled 0 type 9 rank 2 address 0x10000 sizes 100 60 strides 256 "
                + "box 64 128 steps 1 1 interleave 0 swizzle 3 promotion 3 fill 0"), driver.calls());
    }

    @Test
    void theDriverTellsTheParametersUntilThereIsNone() {
        try (Arena arena = Arena.ofConfined()) {
            assertEquals(Optional.of(List.of(8, 4, 8, 4, 8, 128, 8)),
                    extensions.parameters(function(arena, "all_kinds"), "all_kinds"));
            assertEquals(Optional.of(List.of()), extensions.parameters(function(arena, "none"), "none"));
        }
    }

    @Test
    void anOldDriverIsSaidToBeTooOld() {
        DriverExtensions old = new DriverExtensions(_ -> Optional.empty());
        assertEquals(Optional.empty(), old.parameters(0, "none"));
        Launch launch = new Launch(KernelSource.of("test.cu"), "none", 2, 1, 1, 32, 0, 2);
        MissingCudaException error = assertThrows(MissingCudaException.class,
                () -> old.launchCluster(0, 0, launch, MemorySegment.NULL));
        assertEquals("NVIDIA's driver has no cuLaunchKernelEx", error.getMessage());
        assertTrue(error.advice().contains("11.8"), error.advice());
    }

    @Test
    void nvmlGivesReadingsAndMinusOneForWhatItDoesNotTell() {
        assertEquals(Optional.of(new GpuReadings(1755, -1, 1980, 412.5, 61, (1L << 40) + 4)),
                GpuReadings.of(library, "0000:01:00.0"));
        assertEquals(Optional.empty(), GpuReadings.of(library, "0000:02:00.0"));
        assertEquals(List.of("power limit"), GpuReadings.of(library, "0000:01:00.0").orElseThrow().throttling());
        assertEquals(List.of("hardware slowdown", "temperature"), readings(0x28 | 1).throttling());
        assertEquals(List.of(), readings(1).throttling(), "idle");
        assertEquals(List.of(), readings(-1).throttling(), "the GPU does not tell");
        assertEquals(Optional.empty(), GpuReadings.of(_ -> Optional.empty(), "0000:01:00.0"));
    }

    private static GpuReadings readings(long throttleReasons) {
        return new GpuReadings(1, 1, 1, 1, 1, throttleReasons);
    }

    @Test
    void theLayoutsAreThoseOfTheHeader() throws IOException, InterruptedException {
        Path header = Path.of("/usr/local/cuda/include");
        assumeTrue(Files.exists(header.resolve("cuda.h")), "SKIPPED: there is no cuda.h to compare the layouts with");
        Path source = folder.resolve("layout.c");
        Files.writeString(source, """
                #include <cuda.h>
                #include <stddef.h>
                #define SAME(a, b) _Static_assert((a) == (b), #a)
                SAME(sizeof(CUlaunchConfig), %d);
                SAME(offsetof(CUlaunchConfig, gridDimX), 0);
                SAME(offsetof(CUlaunchConfig, blockDimX), 12);
                SAME(offsetof(CUlaunchConfig, sharedMemBytes), 24);
                SAME(offsetof(CUlaunchConfig, hStream), 32);
                SAME(offsetof(CUlaunchConfig, attrs), 40);
                SAME(offsetof(CUlaunchConfig, numAttrs), 48);
                SAME(sizeof(CUlaunchAttribute), %d);
                SAME(offsetof(CUlaunchAttribute, value.clusterDim.x), 8);
                SAME(CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, 4);
                SAME(sizeof(CUtensorMap), %d);
                SAME(CU_TENSOR_MAP_DATA_TYPE_FLOAT16, 6);
                SAME(CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 7);
                SAME(CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 9);
                SAME(CU_TENSOR_MAP_SWIZZLE_32B, %d);
                SAME(CU_TENSOR_MAP_SWIZZLE_128B, %d);
                SAME(CU_TENSOR_MAP_L2_PROMOTION_L2_256B, %d);
                """.formatted(DriverExtensions.CONFIG_BYTES, DriverExtensions.ATTRIBUTE_BYTES, TensorMap.BYTES,
                Swizzle.BYTES_32.code(), Swizzle.BYTES_128.code(), TensorMap.PROMOTE_TO_256_BYTES));
        Process process = new ProcessBuilder("gcc", "-fsyntax-only", "-I" + header, source.toString())
                .redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
    }
}
