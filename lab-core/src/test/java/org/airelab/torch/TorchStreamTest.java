package org.airelab.torch;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import ai.djl.Device;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class TorchStreamTest {
    @Test
    void aCpuBuildHasNoStreams() {
        assumeFalse(TorchStream.available(), "SKIPPED: libtorch sees a GPU");
        IllegalStateException error = assertThrows(IllegalStateException.class, () -> TorchStream.enter(0, 0));
        assertEquals("expected a CUDA build of libtorch, found a CPU build", error.getMessage());
        error = assertThrows(IllegalStateException.class, () -> TorchStream.current(0));
        assertEquals("expected a CUDA build of libtorch, found a CPU build", error.getMessage());
        assertTrue(TorchStream.cudaLibrary().isEmpty());
    }

    @Test
    void memoryOfADeviceIsSeenAsATensorOfIt() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocateFrom(JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
            try (Tensor tensor = Tensor.over(memory, Device.cpu(), ScalarType.FLOAT32, 2, 3);
                    Tensor row = tensor.view(3, 3)) {
                assertEquals(Device.cpu(), tensor.device());
                assertEquals(memory.address(), tensor.kernelMemory().address());
                assertEquals(24, tensor.kernelMemory().byteSize());
                assertArrayEquals(new float[] {4, 5, 6}, row.kernelMemory().toArray(JAVA_FLOAT));
            }
            assertThrows(IllegalArgumentException.class,
                    () -> Tensor.over(memory, Device.cpu(), ScalarType.FLOAT32, 7));
        }
    }
}
