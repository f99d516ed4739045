package org.airelab.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The JCuda layer over a driver without a device, each scenario in a JVM of its own, and without any driver. */
class JCudaLayerTest {
    @TempDir
    static Path folder;

    @BeforeAll
    static void compile() throws IOException, InterruptedException {
        FakeDriver.compile(folder);
    }

    @ParameterizedTest
    @ValueSource(strings = {"current", "lifetimes", "copies", "launches", "errors", "graphs", "temporary"})
    void scenario(String name) throws IOException, InterruptedException {
        assertEquals("", FakeDriver.runJava(Map.of("LD_LIBRARY_PATH", folder.toString()),
                FakeDriverScenario.class, name));
    }

    @Test
    void aDriverWithoutAGpuIsSaidToHaveNone() throws IOException, InterruptedException {
        assertEquals("", FakeDriver.runJava(Map.of("LD_LIBRARY_PATH", folder.toString(), "FAKE_INIT", "100"),
                FakeDriverScenario.class, "noDevice"));
    }

    @Test
    void nvrtcIsCalledThroughJCuda(@TempDir Path compiler) throws IOException, InterruptedException {
        FakeDriver.compile(compiler, "fake_nvrtc.c", "libnvrtc.so.12");
        assertEquals("", FakeDriver.runJava(Map.of("LD_LIBRARY_PATH", folder + ":" + compiler),
                FakeDriverScenario.class, "nvrtc"));
    }

    @Test
    void librariesAreFoundInCudasFolder(@TempDir Path home) throws IOException, InterruptedException {
        FakeDriver.compile(Files.createDirectory(home.resolve("lib64")), "fake_nvrtc.c", "libnvrtc.so.12");
        assertEquals("", FakeDriver.runJava(Map.of("LD_LIBRARY_PATH", folder.toString(), "CUDA_HOME", home.toString()),
                FakeDriverScenario.class, "nvrtc"));
    }

    @Test
    void aBrokenLibraryOfJCudaInTheTemporaryFolderIsReplaced(@TempDir Path temporary)
            throws IOException, InterruptedException {
        Path library = temporary.resolve("libJCudaDriver-12.6.0-linux-x86_64.so");
        Files.writeString(library, "cut short");
        FakeDriver.runJava(Map.of("LD_LIBRARY_PATH", folder.toString(),
                "JDK_JAVA_OPTIONS", "-Djava.io.tmpdir=" + temporary), FakeDriverScenario.class, "copies");
        assertTrue(Files.size(library) > 1_000_000);
    }

    @Test
    void withoutADriverTheErrorNamesTheLibrary() {
        assumeTrue(NativeLibraries.open(Driver.LIBRARY).isEmpty(), "SKIPPED: this machine has a driver");
        for (int i = 0; i < 2; i++) {
            MissingCudaException error = assertThrows(MissingCudaException.class, () -> CudaDevice.open(0));
            assertEquals("NVIDIA's driver is not there: libcuda.so.1 cannot be loaded", error.getMessage());
        }
    }
}
