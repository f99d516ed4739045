package org.airelab.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is refused before the driver sees it. */
class LaunchChecksTest {
    private static final KernelSource SOURCE = KernelSource.of("cuda/probe.cu");
    private static final DeviceLimits HOPPER = new DeviceLimits(90, 65_536, 232_448);
    private static final DeviceLimits AMPERE = new DeviceLimits(80, 65_536, 166_912);

    private static Launch launch(int block, int shared, int cluster) {
        return new Launch(SOURCE, "kernel", 64, 1, 1, block, shared, cluster);
    }

    private static String refusal(Launch launch, FunctionLimits function, DeviceLimits device) {
        return assertThrows(IllegalArgumentException.class, () -> LaunchBounds.check(launch, function, device))
                .getMessage();
    }

    @Test
    void aBlockIsAtMostWhatTheKernelWasCompiledFor() {
        FunctionLimits function = new FunctionLimits(256, 64, 0);
        assertDoesNotThrow(() -> LaunchBounds.check(launch(256, 0, 1), function, HOPPER));
        assertEquals("kernel (cuda/probe.cu): expected a block of at most 256 threads, as it was compiled for, "
                + "found 257", refusal(launch(257, 0, 1), function, HOPPER));
    }

    @Test
    void registersOfAllWarpsFitABlock() {
        // 12 warps of 168 registers are 64512; 255 round up to 8192 a warp, of which 8 fit.
        assertDoesNotThrow(() -> LaunchBounds.check(launch(384, 0, 1), new FunctionLimits(1024, 168, 0), HOPPER));
        assertDoesNotThrow(() -> LaunchBounds.check(launch(256, 0, 1), new FunctionLimits(1024, 255, 0), HOPPER));
        assertEquals("kernel (cuda/probe.cu): expected at most 65536 registers a block, 255 in each of 257 threads, "
                + "found 73728", refusal(launch(257, 0, 1), new FunctionLimits(1024, 255, 0), HOPPER));
    }

    @Test
    void staticAndDynamicSharedMemoryFitTogether() {
        FunctionLimits function = new FunctionLimits(1024, 32, 448);
        assertDoesNotThrow(() -> LaunchBounds.check(launch(32, 232_000, 1), function, HOPPER));
        assertEquals("kernel (cuda/probe.cu): expected at most 232448 bytes of shared memory a block, static (448) and "
                + "dynamic (232001) together, found 232449", refusal(launch(32, 232_001, 1), function, HOPPER));
        refusal(launch(32, 232_000, 1), function, AMPERE);
        refusal(launch(32, Integer.MAX_VALUE, 1), function, HOPPER);
    }

    @Test
    void clustersNeedHopperAndHaveAtMost16Blocks() {
        FunctionLimits function = new FunctionLimits(1024, 32, 0);
        assertDoesNotThrow(() -> LaunchBounds.check(launch(32, 0, 16), function, HOPPER));
        assertEquals("kernel (cuda/probe.cu): expected a cluster of at most 16 blocks, found 32",
                refusal(launch(32, 0, 32), function, HOPPER));
        assertEquals("kernel (cuda/probe.cu): expected a device of compute capability 9.0 or more for clusters "
                + "(10 * major + minor), found 80", refusal(launch(32, 0, 2), function, AMPERE));
    }

    @Test
    void gridsAndBlocksAreRefusedAsTheyAreWritten() {
        assertThrows(IllegalArgumentException.class, () -> new Launch(SOURCE, "kernel", 0, 1, 1, 32, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> new Launch(SOURCE, "kernel", 1, 65_536, 1, 32, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> new Launch(SOURCE, "kernel", 1, 1, 1, 1025, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> new Launch(SOURCE, "kernel", 3, 1, 1, 32, 0, 2));
    }

    @Test
    void argumentsAreCountedAndMeasured() {
        List<Integer> parameters = List.of(8, 4, 0);
        MemorySegment memory = MemorySegment.ofAddress(256);
        assertDoesNotThrow(() -> KernelArguments.check("kernel", parameters, memory, 1, 2.0));
        assertDoesNotThrow(() -> KernelArguments.check("kernel", parameters, null, 1.0f, 2));
        assertEquals("kernel: expected 3 arguments, found 2", argumentError(parameters, memory, 1));
        assertEquals("kernel: expected argument 1 to have 4 bytes, found 8 of a pointer",
                argumentError(parameters, memory, memory, 1));
        assertEquals("kernel: expected argument 0 to have 8 bytes, found 4 of the Integer 3",
                argumentError(parameters, 3, 1, 1));
        assertEquals("kernel: expected argument 2 to be a MemorySegment, Integer, Long, Float, Double or TensorMap, "
                + "found a java.lang.Short", argumentError(parameters, memory, 1, (short) 1));
        assertEquals("kernel: expected argument 0 to be device memory, found a segment of Java's heap",
                argumentError(parameters, MemorySegment.ofArray(new float[1]), 1, 1));
    }

    private static String argumentError(List<Integer> parameters, Object... arguments) {
        return assertThrows(IllegalArgumentException.class,
                () -> KernelArguments.check("kernel", parameters, arguments)).getMessage();
    }

    @Test
    void parametersAreReadFromTheSource() {
        String text = KernelSource.of("cuda/probe.cu").text();
        assertEquals(Optional.of(List.of(8, 4, 8, 4, 8, 128, 8)), KernelParameters.parse(text, "all_kinds"));
        assertEquals(Optional.of(List.of()), KernelParameters.parse(text, "no_parameters"));
        assertEquals(Optional.of(List.of(8, 4)), KernelParameters.parse(text, "add_index"));
        assertEquals(Optional.empty(), KernelParameters.parse(text, "index"));
        assertEquals(Optional.empty(), KernelParameters.parse(text, "absent"));
        assertEquals(Optional.empty(), KernelParameters.parse("__global__ void f(int *to, CONSTANTS) {}", "f"),
                "a macro may stand for any number");
        assertEquals(Optional.of(List.of(8, 4, 0, 0, 8)), KernelParameters.parse(
                "extern \"C\" __global__ void\nk(const T *__restrict__ x, unsigned n, unsigned short s, T t,"
                        + " unsigned long long w) {", "k"));
    }

    @Test
    void errorsAreNamedAndExplained() {
        assertEquals("CUDA_ERROR_NOT_READY (600) in cuEventQuery", new CudaException(600, "cuEventQuery").getMessage());
        assertEquals("CUDA_ERROR_NUMBER_4711 (4711) in cuInit", new CudaException(4711, "cuInit").getMessage());
        CudaException fault = assertThrows(CudaException.class, () -> CudaException.check(716, "cuStreamSynchronize"));
        assertEquals(716, fault.code());
        assertEquals("CUDA_ERROR_MISALIGNED_ADDRESS", fault.errorName());
        assertDoesNotThrow(() -> CudaException.check(0, "cuInit"));
    }

    @Test
    void theRecorderRemembersSourcesAndRunsNothing() {
        LaunchRecorder recorder = new LaunchRecorder(90, 132);
        recorder.launch(Launch.of(SOURCE, "add_index", 1, 1), recorder.temporary(16), 4);
        recorder.launch(Launch.of(SOURCE, "no_parameters", 1, 1));
        recorder.launch(Launch.of(SOURCE.with("TILE", 2), "no_parameters", 1, 1));
        recorder.synchronize();
        assertEquals(List.of(SOURCE, SOURCE.with("TILE", 2)), List.copyOf(recorder.sources()));
        assertEquals(90, recorder.architecture());
        assertEquals(132, recorder.multiprocessors());
    }
}
