package org.airelab.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The JCuda layer on a real GPU. */
@Tag("gpu")
class CudaDeviceTest {
    private static final KernelSource PROBE = KernelSource.of("cuda/probe.cu");
    private static final KernelSource HOPPER = KernelSource.of("cuda/hopper_probe.cu");
    private static final int COUNT = 1000;

    private static CudaDevice device;
    private CudaStream stream;
    private CudaLauncher launcher;
    private DeviceBuffer buffer;

    @BeforeAll
    static void open() {
        device = CudaDevice.open(0);
    }

    @AfterAll
    static void close() {
        device.close();
        assertEquals(0, CudaResource.live());
    }

    @BeforeEach
    void prepare() {
        stream = new CudaStream(device);
        launcher = new CudaLauncher(stream);
        buffer = new DeviceBuffer(device, 4L * COUNT);
        stream.fill(buffer.memory(), (byte) 0);
    }

    @AfterEach
    void free() {
        buffer.close();
        launcher.close();
        stream.close();
    }

    private float[] content() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(JAVA_FLOAT, COUNT);
            stream.copy(buffer.memory(), host);
            stream.synchronize();
            return host.toArray(JAVA_FLOAT);
        }
    }

    private void add() {
        launcher.launch(Launch.of(PROBE, "add_index", (COUNT + 63) / 64, 64), buffer.memory(), COUNT);
    }

    @Test
    void theDeviceIsDescribed() {
        assertTrue(device.architecture() >= 80, device.toString());
        assertTrue(device.memoryBytes() > 1L << 30 && device.freeBytes() <= device.memoryBytes());
        assertTrue(device.l2Bytes() > 1 << 20);
        assertTrue(CudaDevice.driverVersion().matches("\\d+\\.\\d+"));
        GpuReadings readings = GpuReadings.of(device.busId()).orElseThrow();
        assertTrue(readings.celsius() > 0 && readings.maxSmMegahertz() >= readings.smMegahertz(), readings.toString());
    }

    @Test
    void aKernelRunsWithArgumentsOfEachKind() {
        MemorySegment out = buffer.memory();
        assumeTrue(device.architecture() >= 90, "SKIPPED: tensor maps need sm_90");
        TensorMap map = TensorMap.tiled(DType.FP32, out, new long[] {4, 2}, new long[] {16}, new int[] {4, 1},
                Swizzle.NONE);
        launcher.launch(Launch.of(PROBE, "all_kinds", 1, 64), out, -7, 1L << 40, 0.5f, -0.25, map, null);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(JAVA_LONG, 6);
            stream.copy(out.asSlice(0, host.byteSize()), host);
            launcher.synchronize();
            assertEquals(-7, host.getAtIndex(JAVA_LONG, 0));
            assertEquals(1L << 40, host.getAtIndex(JAVA_LONG, 1));
            assertEquals(500, host.getAtIndex(JAVA_LONG, 2));
            assertEquals(-250, host.getAtIndex(JAVA_LONG, 3));
            assertEquals(0, host.getAtIndex(JAVA_LONG, 5));
        }
    }

    @Test
    void aGraphReplaysItsLaunches() {
        add();
        stream.synchronize();
        try (CudaGraph graph = CudaGraph.capture(stream, () -> {
            add();
            add();
        }); CudaEvent start = new CudaEvent(device); CudaEvent end = new CudaEvent(device)) {
            assertEquals(999f, content()[999], "nothing runs during the capture");
            start.record(stream);
            graph.launch(stream);
            graph.launch(stream);
            end.record(stream);
            end.synchronize();
            assertTrue(end.millisSince(start) > 0);
        }
        float[] content = content();
        for (int i = 0; i < COUNT; i++) {
            assertEquals(5f * i, content[i]);
        }
    }

    @Test
    void aFirstLaunchAndTemporaryMemoryMayBePartOfACapture() {
        try (CudaGraph graph = CudaGraph.capture(stream, () -> {
            MemorySegment temporary = launcher.temporary(4L * COUNT);
            stream.fill(temporary, (byte) 0);
            launcher.launch(Launch.of(PROBE, "add_index", (COUNT + 63) / 64, 64), temporary, COUNT);
            stream.copy(temporary, buffer.memory());
        })) {
            launcher.temporary(1 << 20);
            graph.launch(stream);
        }
        assertEquals(999f, content()[999]);
    }

    @Test
    void parametersComeFromTheDriverOrTheSource() {
        String wrong = assertThrows(IllegalArgumentException.class, () -> launcher.launch(
                Launch.of(PROBE, "add_index", 1, 64), buffer.memory(), 5L)).getMessage();
        assertEquals("add_index: expected argument 1 to have 4 bytes, found 8 of the Long 5", wrong);
    }

    @Test
    void compiledLimitsAreTheDriversToo() {
        assertThrows(IllegalArgumentException.class, () -> launcher.launch(Launch.of(PROBE, "all_kinds", 1, 65),
                buffer.memory(), 1, 1L, 1f, 1.0, null, null));
        CudaFunction function = launcher.function(PROBE, "all_kinds");
        assertTrue(function.registers() > 0 && function.localBytes() == 0, function.toString());
        assertEquals(32, function.sharedBytes());
    }

    @Test
    void aMissingKernelIsNamed() {
        CudaException error = assertThrows(CudaException.class,
                () -> launcher.launch(Launch.of(PROBE, "absent", 1, 1)));
        assertEquals(500, error.code());
        assertTrue(error.getMessage().contains("absent in cuda/probe.cu"), error.getMessage());
    }

    @Test
    void aClusterAddsUpThroughDistributedSharedMemory() {
        assumeTrue(device.architecture() >= 90, "SKIPPED: clusters need sm_90");
        for (int cluster : new int[] {1, 2, 4, 8}) {
            stream.fill(buffer.memory(), (byte) 0);
            launcher.launch(new Launch(HOPPER, "cluster_size", 16, 1, 1, 32, 100_000, cluster), buffer.memory());
            assertEquals(cluster, content()[0], "blocks in a cluster");
        }
    }

    @Test
    void theTensorMemoryAcceleratorReadsTilesAndZerosOutside() {
        assumeTrue(device.architecture() >= 90, "SKIPPED: the Tensor Memory Accelerator needs sm_90");
        add();
        // 30 columns of 32, 31 rows; the tile at (28, 30) of 8 by 4 has 2 columns and 1 row inside.
        TensorMap map = TensorMap.tiled(DType.FP32, buffer.memory(), new long[] {30, 31}, new long[] {128},
                new int[] {8, 4}, Swizzle.NONE);
        DeviceBuffer tile = new DeviceBuffer(device, 4 * 32);
        try (tile; Arena arena = Arena.ofConfined()) {
            launcher.launch(Launch.of(HOPPER, "read_tile", 1, 32), tile.memory(), map, 28, 30);
            MemorySegment host = arena.allocate(JAVA_FLOAT, 32);
            stream.copy(tile.memory(), host);
            stream.synchronize();
            for (int i = 0; i < 32; i++) {
                float expected = i < 2 ? 30 * 32 + 28 + i : 0;
                assertEquals(expected, host.getAtIndex(JAVA_FLOAT, i), "element " + i);
            }
        }
    }

    @Test
    void aStreamOfAnotherLibraryIsUsedByItsNumber() {
        assertNotEquals(0, stream.number());
        try (CudaStream same = CudaStream.of(device, stream.number()); CudaStream standard = CudaStream.of(device, 0)) {
            same.fill(buffer.memory(), (byte) 0x40);
            stream.synchronize();
            standard.synchronize();
            assertTrue(same.idle());
        }
        assertEquals(Float.intBitsToFloat(0x40404040), content()[0]);
    }
}
