package org.airelab.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jcuda.driver.JCudaDriver;
import org.airelab.kernels.DType;

/** What {@link JCudaLayerTest} runs in a JVM whose libcuda.so.1 is the fake one: the scenario its argument names. */
final class FakeDriverScenario {
    private static final KernelSource SOURCE = KernelSource.of("cuda/probe.cu");
    private static final FakeDriver DRIVER = new FakeDriver(NativeLibraries.open(Driver.LIBRARY).orElseThrow());

    private FakeDriverScenario() {
    }

    public static void main(String[] arguments) throws Throwable {
        switch (arguments[0]) {
            case "current" -> current();
            case "lifetimes" -> lifetimes();
            case "copies" -> copies();
            case "launches" -> launches();
            case "errors" -> errors();
            case "graphs" -> graphs();
            case "temporary" -> temporary();
            case "noDevice" -> noDevice();
            case "nvrtc" -> nvrtc();
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void current() throws InterruptedException {
        assertEquals(-1, DRIVER.current());
        CudaDevice.makeCurrent(1);
        assertEquals(1, DRIVER.current());
        assertTrue(DRIVER.calls().contains("cuDevicePrimaryCtxRetain 1"));
        int[] other = new int[1];
        Thread.ofPlatform().start(() -> other[0] = DRIVER.current()).join();
        assertEquals(-1, other[0], "of another thread");
        assertThrows(IllegalArgumentException.class, () -> CudaDevice.makeCurrent(2));
        assertEquals(1, DRIVER.current());
    }

    private static void lifetimes() {
        assertEquals(2, CudaDevice.count());
        assertThrows(IllegalArgumentException.class, () -> CudaDevice.open(2));
        assertEquals(0, CudaResource.live());
        CudaDevice device = CudaDevice.open(1);
        assertEquals("Fake 1", device.name());
        assertEquals(90, device.architecture());
        assertEquals(132, device.multiprocessors());
        assertEquals(60, device.freeBytes());
        assertEquals(80, device.memoryBytes());
        assertEquals("0000:01:00.0", device.busId());
        assertEquals("12.6", CudaDevice.driverVersion());
        CudaStream stream = new CudaStream(device);
        CudaEvent start = new CudaEvent(device);
        CudaEvent end = new CudaEvent(device);
        DeviceBuffer buffer = new DeviceBuffer(device, 1000);
        assertEquals(5, CudaResource.live());
        start.record(stream);
        end.record(stream);
        end.synchronize();
        assertTrue(end.past());
        DRIVER.fail("cuEventQuery", 600);
        assertFalse(end.past());
        DRIVER.fail("cuEventQuery", 700);
        assertThrows(CudaException.class, end::past);
        DRIVER.fail("", 0);
        stream.await(end);
        assertTrue(stream.idle());
        assertEquals(1.5f, end.millisSince(start));
        DRIVER.calls();

        device.close();
        device.close();
        assertThrows(IllegalStateException.class, () -> new CudaStream(device));
        assertThrows(IllegalStateException.class, device::synchronize);
        stream.synchronize();
        stream.close();
        stream.close();
        IllegalStateException closed = assertThrows(IllegalStateException.class, stream::synchronize);
        assertEquals("stream 57 of device 1 (Fake 1) is closed", closed.getMessage());
        assertThrows(IllegalStateException.class, () -> start.record(stream));
        start.close();
        end.close();
        assertFalse(DRIVER.calls().contains("cuDevicePrimaryCtxRelease 1"));
        buffer.close();
        assertThrows(IllegalStateException.class, buffer::memory);
        assertEquals(List.of("cuMemFree", "cuDevicePrimaryCtxRelease 1"), DRIVER.calls());
        assertEquals(0, CudaResource.live());

        CudaDevice again = CudaDevice.open(0);
        try (again; CudaStream foreign = CudaStream.of(again, 0x1234)) {
            foreign.synchronize();
            assertEquals(0x1234, foreign.number());
        }
        List<String> calls = DRIVER.calls();
        assertTrue(calls.contains("cuStreamSynchronize 0x1234"), calls.toString());
        assertFalse(calls.toString().contains("cuStreamDestroy"), calls.toString());
        assertEquals(0, CudaResource.live());
    }

    private static void copies() {
        try (CudaDevice device = CudaDevice.open(0); CudaStream stream = new CudaStream(device);
                DeviceBuffer a = new DeviceBuffer(device, 64); DeviceBuffer b = new DeviceBuffer(device, 64);
                PinnedBuffer pinned = new PinnedBuffer(device, 64); Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(64);
            for (int i = 0; i < 64; i++) {
                host.set(ValueLayout.JAVA_BYTE, i, (byte) i);
            }
            stream.copy(host, a.memory());
            stream.copy(a.memory(), b.memory());
            stream.fill(b.memory().asSlice(60), (byte) -1);
            stream.copy(b.memory(), pinned.memory());
            byte[] expected = host.toArray(ValueLayout.JAVA_BYTE);
            Arrays.fill(expected, 60, 64, (byte) -1);
            assertArrayEquals(expected, pinned.memory().toArray(ValueLayout.JAVA_BYTE));
            // Through the bindings of JCuda's that know nothing of this layer.
            host.fill((byte) 7);
            JCudaDriver.cuMemcpyDtoHAsync(JCudaInterop.pointer(host), new Handles.Address(b.memory().address()), 32,
                    JCudaInterop.stream(stream));
            assertArrayEquals(Arrays.copyOf(expected, 32),
                    host.asSlice(0, 32).toArray(ValueLayout.JAVA_BYTE));
            assertThrows(IllegalArgumentException.class, () -> stream.copy(host.asSlice(1), a.memory()));
            assertThrows(IllegalArgumentException.class,
                    () -> stream.copy(MemorySegment.ofArray(new byte[64]), a.memory()));
            assertThrows(IllegalArgumentException.class, () -> stream.copy(a.memory(), host.asReadOnly()));
            assertThrows(IllegalArgumentException.class, () -> new DeviceBuffer(device, 0));
            assertThrows(IllegalArgumentException.class, () -> new PinnedBuffer(device, 1L << 31));
        }
        List<String> calls = DRIVER.calls();
        assertTrue(calls.contains("cuMemsetD8Async 255 4 0x57"), calls.toString());
        assertTrue(calls.containsAll(List.of("cuMemHostAlloc 64 0", "cuMemFreeHost")), calls.toString());
    }

    private static KernelCompiler compiler(List<String> compiled) throws Exception {
        // Beside the fake driver: the test that compiled it deletes that folder with all that is in it.
        Path driver = Path.of(System.getenv("LD_LIBRARY_PATH").split(":")[0]);
        Path folder = Files.createTempDirectory(driver, "cubins");
        return new KernelCompiler(new CudaCompiler() {
            @Override
            public String version() {
                return "none";
            }

            @Override
            public int release() {
                return 0;
            }

            @Override
            public Compiled compile(String name, String text, String architecture) {
                compiled.add(architecture);
                return new Compiled("MACHINE CODE".getBytes(StandardCharsets.US_ASCII), "");
            }
        }, new CubinCache(folder.resolve("file")), KernelCompiler.target(90));
    }

    private static void launches() throws Exception {
        List<String> compiled = new ArrayList<>();
        try (CudaDevice device = CudaDevice.open(0); CudaStream stream = new CudaStream(device);
                CudaLauncher launcher = new CudaLauncher(stream, compiler(compiled))) {
            MemorySegment pointer = MemorySegment.ofAddress(0xABC0).reinterpret(64);
            TensorMap map = TensorMap.tiled(DType.FP32, pointer, new long[] {4, 2}, new long[] {16}, new int[] {4, 1},
                    Swizzle.NONE);
            Object[] all = {pointer, -7, 1L << 40, 0.5f, -0.25, map, null};
            Launch launch = new Launch(SOURCE, "all_kinds", 3, 2, 1, 64, 0, 1);
            launcher.launch(launch, all);
            List<String> calls = DRIVER.calls();
            assertTrue(calls.contains("cuModuleLoadData MACHINE "), calls.toString());
            assertEquals("cuLaunchKernel all_kinds grid 3 2 1 block 64 1 1 shared 0 stream 0x57 extra (nil) arguments "
                    + "0xabc0 -7 1099511627776 0.5 -0.25 encoded (nil)", calls.getLast());

            launcher.launch(launch.withShared(48_152), all);
            assertEquals(1, DRIVER.calls().size());
            launcher.launch(launch.withShared(200_000), all);
            assertEquals("cuFuncSetAttribute all_kinds 8 200000", DRIVER.calls().getFirst());
            launcher.launch(launch.withShared(100_000), all);
            assertEquals(1, DRIVER.calls().size());

            launcher.launch(new Launch(SOURCE, "all_kinds", 16, 1, 1, 128, 0, 8), all);
            assertEquals(List.of("cuLaunchKernelEx all_kinds grid 16 1 1 block 128 1 1 shared 0 stream 0x57 "
                    + "attributes 1: 4 = 8 1 1 extra (nil) arguments 0xabc0 -7 1099511627776 0.5 -0.25 encoded (nil)"),
                    DRIVER.calls());
            launcher.launch(new Launch(SOURCE, "all_kinds", 16, 1, 1, 128, 0, 16), all);
            assertEquals("cuFuncSetAttribute all_kinds 14 1", DRIVER.calls().getFirst());

            launcher.launch(Launch.of(SOURCE, "no_parameters", 1, 1));
            assertEquals("cuLaunchKernel no_parameters grid 1 1 1 block 1 1 1 shared 0 stream 0x57 extra (nil) "
                    + "arguments", DRIVER.calls().getLast());
            launcher.launch(Launch.of(SOURCE.with("TILE", 8), "no_parameters", 1, 1));
            assertEquals(List.of("sm_90a", "sm_90a"), compiled);
            DRIVER.calls();

            refusals(launcher, launch, all);
            assertEquals(List.of(), DRIVER.calls());
            CudaFunction function = launcher.function(SOURCE, "all_kinds");
            assertEquals(List.of(64, 1000, 16),
                    List.of(function.registers(), function.sharedBytes(), function.localBytes()));
        }
        assertEquals(2, DRIVER.calls().stream().filter("cuModuleUnload 0x30"::equals).count());
        assertEquals(0, CudaResource.live());
    }

    private static void refusals(CudaLauncher launcher, Launch launch, Object... all) {
        String tooFew = assertThrows(IllegalArgumentException.class, () -> launcher.launch(launch, 1)).getMessage();
        assertEquals("all_kinds: expected 7 arguments, found 1", tooFew);
        Object[] wrong = all.clone();
        wrong[1] = 7L;
        assertEquals("all_kinds: expected argument 1 to have 4 bytes, found 8 of the Long 7",
                assertThrows(IllegalArgumentException.class, () -> launcher.launch(launch, wrong)).getMessage());
        assertThrows(IllegalArgumentException.class, () -> launcher.launch(launch.withShared(231_449), all));
        Launch large = Launch.of(SOURCE, "all_kinds", 1, 513);
        assertThrows(IllegalArgumentException.class, () -> launcher.launch(large, all));
    }

    private static void errors() throws Exception {
        try (CudaDevice device = CudaDevice.open(0); CudaStream stream = new CudaStream(device);
                CudaLauncher launcher = new CudaLauncher(stream, compiler(new ArrayList<>()))) {
            long live = CudaResource.live();
            DRIVER.fail("cuLaunchKernel", 701);
            CudaException launch = assertThrows(CudaException.class,
                    () -> launcher.launch(Launch.of(SOURCE, "matmul_warptiled", 1, 32)));
            assertEquals("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701) in cuLaunchKernel of matmul_warptiled: a block "
                    + "needs more registers, shared memory or threads than a multiprocessor has; use smaller blocks or "
                    + "tiles", launch.getMessage());
            assertEquals(701, launch.code());
            assertEquals("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", launch.errorName());
            DRIVER.fail("cuMemAlloc", 2);
            assertTrue(assertThrows(CudaException.class, () -> new DeviceBuffer(device, 5)).getMessage()
                    .startsWith("CUDA_ERROR_OUT_OF_MEMORY (2) in cuMemAlloc of 5 bytes on device 0 (Fake 0): "));
            DRIVER.fail("cuStreamCreate", 2);
            assertThrows(CudaException.class, () -> new CudaStream(device));
            DRIVER.fail("cuModuleGetFunction", 500);
            assertThrows(CudaException.class, () -> launcher.launch(Launch.of(SOURCE, "absent", 1, 32)));
            DRIVER.fail("cuStreamSynchronize", 700);
            assertTrue(assertThrows(CudaException.class, launcher::synchronize).getMessage()
                    .contains("any launch before"));
            // The module that was loaded is the one resource more.
            assertEquals(live + 1, CudaResource.live());
            DeviceBuffer buffer = new DeviceBuffer(device, 8);
            DRIVER.fail("cuMemFree", 700);
            assertThrows(CudaException.class, buffer::close);
            buffer.close();
            launcher.temporary(100);
            DRIVER.fail("cuModuleUnload", 700);
            assertThrows(CudaException.class, launcher::close);
            // What one close cannot free does not keep the others from it.
            assertEquals(2, CudaResource.live());
            assertThrows(IllegalStateException.class, () -> launcher.launch(Launch.of(SOURCE, "no_parameters", 1, 1)));
            assertThrows(IllegalStateException.class, () -> launcher.temporary(1));
            DRIVER.fail("", 0);
        }
        assertEquals(0, CudaResource.live());
        assertEquals("cuDevicePrimaryCtxRelease 0", DRIVER.calls().getLast());
    }

    private static void graphs() throws Exception {
        try (CudaDevice device = CudaDevice.open(0); CudaStream stream = new CudaStream(device);
                CudaLauncher launcher = new CudaLauncher(stream, compiler(new ArrayList<>()))) {
            DRIVER.calls();
            try (CudaGraph graph = CudaGraph.capture(stream,
                    () -> launcher.launch(Launch.of(SOURCE, "no_parameters", 1, 1)))) {
                graph.launch(stream);
            }
            List<String> calls = DRIVER.calls();
            assertEquals("cuStreamBeginCapture 0x57 2", calls.getFirst());
            assertEquals(List.of("cuStreamEndCapture 0x57", "cuGraphInstantiate 0x64 0", "cuGraphDestroy 0x64",
                    "cuGraphLaunch 0x65 0x57", "cuGraphExecDestroy 0x65"),
                    calls.subList(calls.size() - 5, calls.size()));

            IllegalStateException thrown = new IllegalStateException("in the capture");
            assertEquals(thrown, assertThrows(IllegalStateException.class, () -> CudaGraph.capture(stream, () -> {
                throw thrown;
            })));
            assertEquals(List.of("cuStreamBeginCapture 0x57 2", "cuStreamEndCapture 0x57", "cuGraphDestroy 0x64"),
                    DRIVER.calls());
            DRIVER.fail("cuGraphInstantiate", 1);
            assertThrows(CudaException.class, () -> CudaGraph.capture(stream, () -> { }));
            assertEquals("cuGraphDestroy 0x64", DRIVER.calls().getLast());
            DRIVER.fail("", 0);
        }
        assertEquals(0, CudaResource.live());
    }

    private static void temporary() throws Exception {
        try (CudaDevice device = CudaDevice.open(0); CudaStream stream = new CudaStream(device)) {
            CudaLauncher launcher = new CudaLauncher(stream, compiler(new ArrayList<>()));
            assertEquals(0, launcher.temporary(0).byteSize());
            MemorySegment first = launcher.temporary(1000);
            assertEquals(1000, first.byteSize());
            assertEquals(0, first.address() % 256);
            assertEquals(first.address(), launcher.temporary(500).address());
            assertEquals(3, CudaResource.live());
            launcher.temporary(2000);
            assertEquals(3, CudaResource.live(), "the smaller buffer is free");
            CudaGraph.capture(stream, () -> launcher.temporary(2000)).close();
            launcher.temporary(3000);
            assertEquals(4, CudaResource.live(), "a graph may use the smaller buffer");
            CudaGraph.capture(stream, () -> {
                launcher.temporary(4000);
                launcher.temporary(5000);
            }).close();
            assertEquals(6, CudaResource.live());
            assertThrows(IllegalArgumentException.class, () -> launcher.temporary(-1));
            launcher.close();
            launcher.close();
            assertEquals(2, CudaResource.live());
        }
        assertEquals(0, CudaResource.live());
    }

    private static void noDevice() {
        for (int i = 0; i < 2; i++) {
            MissingCudaException error = assertThrows(MissingCudaException.class, () -> CudaDevice.open(0));
            assertEquals("NVIDIA's driver finds no GPU", error.getMessage());
        }
    }

    private static void nvrtc() throws Throwable {
        assertTrue(Nvrtc.find(100).isEmpty(), "it does not compile for sm_100");
        Nvrtc nvrtc = Nvrtc.find(90).orElseThrow();
        assertEquals("NVRTC 12.9", nvrtc.version());
        CudaCompiler.Compiled compiled = nvrtc.compile("x.cu", "int x;", "sm_90a");
        assertEquals("kernel.cu|int x;|--std=c++17|--gpu-architecture=sm_90a|--ptxas-options=-v",
                new String(compiled.cubin(), StandardCharsets.US_ASCII));
        assertEquals("a.cu(1): error: #error directive", compiled.log());
        assertEquals("x.cu does not compile for sm_80 with NVRTC 12.9:\nNVRTC_ERROR_COMPILATION\n"
                + "a.cu(1): error: #error directive",
                assertThrows(CompilationException.class, () -> nvrtc.compile("x.cu", "#error", "sm_80")).getMessage());
        Object programs = Linker.nativeLinker().downcallHandle(
                NativeLibraries.open("libnvrtc.so.12").orElseThrow().findOrThrow("fake_programs"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT)).invokeWithArguments();
        assertEquals(0, programs, "programs not destroyed");
        // The driver is of CUDA 12.6: what a newer nvcc makes it could not load.
        try (CudaDevice device = CudaDevice.open(0)) {
            assertEquals("NVRTC 12.9", KernelCompiler.forDevice(device).version());
        }

        assertEquals("libcublas.so.none cannot be found", assertThrows(MissingCudaException.class,
                () -> JCudaInterop.load("JCublas2", "libcublas.so.none", () -> { })).getMessage());
    }
}
